"""`publish`: registers notebooks and their assignments with Learntrace."""
