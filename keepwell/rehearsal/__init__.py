"""Rehearsals: a playbook played on a virtual clock, and what would happen, told. Nothing is sent."""
