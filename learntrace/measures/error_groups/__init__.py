"""Which errors are the same for a teacher: their type, and their message with placeholders for what varies.

`group_of` is the one grouping: pages, CSV files, the API, signals' sentences and notifications use it. What is told apart
within a group are its variants. Error Quotient and Repeated Error Density have their own definitions of "same".
"""

from learntrace.measures.error_groups.grouping import ErrorGroup, group_of, one_line, variant_of

__all__ = ["ErrorGroup", "group_of", "one_line", "variant_of"]
