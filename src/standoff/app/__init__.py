"""The app: an analyst's desk on one case (`standoff serve`), and games that people play (`standoff play`).

The desk, in reading order: `data` (what a case and its run hold, read once), `events`, `repeats`, `withheld`,
`parameters` (what the pages ask of the case), `charts` (from data to ECharts options), `blocks` (the parts of a page),
`shell` (the frame of every page), `pages` (a module a page), `jobs` (what is computed in the background), `server`.

Games: `api_asked` (what is sent and answered), `api_doors` (who may knock), `api_live` (sockets), `api` (the routes).
"""
