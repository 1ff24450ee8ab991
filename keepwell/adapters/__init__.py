"""What stands behind the ports: channels, the gate, the renderer, the playbooks in force."""
