"""Files that no partner should send, made of files that one may: each reader takes them or says what is wrong.

Short with ``make test`` (test_readers); long with ``python -m tests.fuzz READER... --seconds 600 --seed 1``.
"""
