"""Churn models around the computing: tables that people give, the store's own rows, reports, promotion.

Loading this package loads no scikit-learn, pandas or matplotlib; its functions do.
"""
