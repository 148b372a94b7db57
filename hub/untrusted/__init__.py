"""Untrusted files, parsed in a child process with limits of memory and time.

A parser in C or Rust may take 52 GB, or crash its process, because of a file of 1.4 KB; then only the child ends, and
the file counts as unreadable.
"""
