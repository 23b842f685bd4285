"""What pages, lists and streams cost on a server with a large academy and a crowded one."""
