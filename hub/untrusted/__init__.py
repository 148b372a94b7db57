"""Files from strangers, read in a process of their own that is given little memory and little time.

A library that is written in C or Rust may take 52 GB, or end its process, because of a file of 1.4 KB; then it is this
process that ends, and the file is unreadable.
"""
