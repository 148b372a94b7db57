-- A verdict is of a file's bytes and of the profile by which they were read: by another one a held file is read anew.
ALTER TABLE statement_file ADD COLUMN profile bytea CHECK (length(profile) = 32);
