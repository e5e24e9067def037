"""What a person sees: results as labelled arrays become a summary, figures and a report.

Reading order: `pipeline` (the main job), `summary`, `figures`, `report`.
"""
