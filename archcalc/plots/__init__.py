"""Plain values -> figures: no counting, no measuring, no files. Import from the modules.

`style` <- `labels` <- `bubbles`, `roofline`; `style` <- `bars`, `ratios`, `heatmap`, `agreement`, `forest`;
`lanes` <- `diagram`. matplotlib is imported inside the functions that draw.
"""
