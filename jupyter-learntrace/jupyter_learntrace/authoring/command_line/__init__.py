"""The command line of `jupyter assignments`: options, help, language, commands."""
