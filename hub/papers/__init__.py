"""The official forms (TT 01/2018, TT 03/2025) as signed PDFs, from templates."""
