"""The backend on real Ray: its session, its processes, failures and cleaning up."""
