import jax, jax.numpy as jnp, numpy as np
from tests.known.gambit.game import *
from standoff.game.sweep import solve
from standoff.game.play import *
def test_smoke():
    f = form(2)
    pay = payoffs("base", 2, 2.0)
    s = solve(f, pay, rounds=3, nodes=11)
    print(s.status, s.residual)
    ref=[c for c in CASES if c["variant"]=="base" and c["periods"]==2 and c["lambda"]==2.0][0]
    print(np.exp(s.log_pi[0][0][0,4,4]), ref["strategy"]["C:weak:-"], ref["strategy"]["C:resolute:-"])
    print(np.asarray(s.value[0,:,:,0,4,4]) @ np.array([.6,.4]), ref["payoffs"])
    read = tuple(jnp.asarray(x) for x in plain_reading(f))
    m = Mind(s.log_pi, read)
    n=50
    paths = Paths(jnp.zeros(n,jnp.int32), jnp.zeros(n,jnp.int32), jnp.zeros((2,n),jnp.int32), jnp.full((2,2,n),.4))
    e = play(jax.random.key(0), f, (m,m), pay, paths, rounds=3)
    print(e)
    g = Given(jnp.full((3,2,n),-1,jnp.int32), jnp.full((3,2,n),-1,jnp.int32), jnp.ones((3,2,n)))
    follow(jax.random.key(0), f, (m,m), pay, paths, g, rounds=3)
