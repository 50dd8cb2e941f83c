"""From analysis to what people read: tables, figures, notes and the page."""
