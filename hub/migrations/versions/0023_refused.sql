-- A message that is turned down for good: by a person, or because what it says cannot stand. Its sender is told.
ALTER TABLE inbox DROP CONSTRAINT inbox_state_check, DROP CONSTRAINT inbox_check,
    ADD CONSTRAINT inbox_state_check CHECK (state IN ('received', 'waiting', 'handled', 'dead', 'refused')) NOT VALID,
    ADD CONSTRAINT inbox_check CHECK ((settled_at IS NOT NULL) = (state IN ('handled', 'refused'))) NOT VALID;
CREATE INDEX inbox_refused ON inbox (settled_at, id) WHERE state = 'refused' AND kind = 'portal.submission';

-- A submission that is refused never becomes a dossier, and the portal is told of it all the same.
ALTER TABLE event DROP CONSTRAINT event_submission_id_fkey,
    ADD CONSTRAINT event_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES inbox (id) NOT VALID;
