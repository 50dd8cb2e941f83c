"""Figures: what each one shows (`*_data`), and how it is drawn for print (`plots*`)."""
