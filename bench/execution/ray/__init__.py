"""The backend on real Ray: its session, processes, failed trials and cleaning up."""
