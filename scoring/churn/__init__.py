"""Churn: how likely a customer leaves, when, and why. Pure computing over tables.

No workflow or activity may import this (it needs scikit-learn). Entry points:

- `mapping.Mapping`, `mapping.Settings`: what is said about a table, and how training is run.
- `table.describe(frame, mapping) -> results.Table`: what is in a table and what is odd about it.
- `evaluate.evaluate(frame, mapping, settings) -> results.Evaluation`: nested, on rows not seen.
- `model.train(frame, mapping, settings, trained_at=…) -> model.ChurnModel`, with `card` (results.Card),
  `predict(frame) -> results.Predictions`.
- `explain.explain(model, frame, row) -> results.Explanation`: why for one customer.
- `held_out.hold_out(frame, mapping, before) -> HeldOut`: who is held out, always the same customers.
- `compare.compare(new, old, frame) -> results.Comparison`,
  `compare_time.compare_time(new, old, frame) -> results.TimeComparison`: whether to promote.
- `store.to_bytes(model)`, `store.from_bytes(data)`: saved without code.
- `features.FEATURES`: the named features of customers in our own tables.
"""
