"""Untrusted files, read in a process of their own with little memory and little time.

A library in C or Rust may take 52 GB, or crash its process, because of a file of 1.4 KB; then this process ends, and
the file is unreadable.
"""
