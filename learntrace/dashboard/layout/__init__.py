"""What all pages share: access, navigation, signing in, search, URL converters."""
