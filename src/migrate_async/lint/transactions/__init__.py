"""What functions do in the transactions of the sessions that they hold."""
