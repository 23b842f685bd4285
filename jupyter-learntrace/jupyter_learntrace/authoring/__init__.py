"""`jupyter assignments`: lets course authors manage the tags of their notebooks."""
