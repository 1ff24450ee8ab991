"""What crosses a boundary: frozen values shared by workflows, activities, the store and the CLI."""
