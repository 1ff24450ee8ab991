"""Ingestion by file: customers, contacts, staff and metrics from CSV and JSON lines."""
