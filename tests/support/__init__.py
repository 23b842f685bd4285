"""What tests share: rows and requests made for them, databases, servers, recorded cases."""
