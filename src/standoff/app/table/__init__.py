"""Pages of played games, on the application of the API. Read in this order.

| module | what it holds |
|---|---|
| doors | who opens which page, and what browsers are told; NiceGUI's own files and sockets, and nothing else of it |
| mount | puts the pages on the application |
| visit | one browser at a page: what is shown follows what its caller sees, and what it asks for is asked of the room |
| words | moves, endings and levels in words of the case |
| frame, head | the frame of every page, the head of a seat's pages; elements are the desk's (`standoff.app.blocks`) |
| standing, advice, moves, record, cables | parts of a player's page |
| seats, links, inject, files | parts of the facilitator's page |
| host, facilitator, leader, observer, debrief | the pages |
| charts | the debrief's charts |

A page is filled from `Room.sight` and `Room.debrief` of its caller, which is what the API sends him, and from the rules
of the case; it holds no other state of a game.
"""
