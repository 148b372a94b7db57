-- Feeds: who reads one at this moment, since when it could have been read, and why the last try failed.
ALTER TABLE counterparty
    ADD COLUMN enrolled_at   timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN polling_until timestamptz,            -- the end of the lease under which its feed is being read
    ADD COLUMN feed_error    text;                   -- of the last try, until one succeeds; nothing of any content

-- Whose clock says since when a dossier stands where it stands: of two reports the later one counts, but a receipt or
-- our own clock may go otherwise than the reports'.
ALTER TABLE dossier ADD COLUMN by_report boolean NOT NULL DEFAULT false;
