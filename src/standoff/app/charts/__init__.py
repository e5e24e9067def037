"""From data to ECharts options: pure functions, one module a page, all in one look (`look`)."""
