-- The custody log, its checkpoints and what they stand on: an RFC 9162 tree over the hashes of everything signed.

-- One leaf for each signed record. It holds hashes only, so that it need never be erased; the bytes are beside it.
CREATE TABLE custody_leaf (
    id               text PRIMARY KEY,
    seq              bigint GENERATED ALWAYS AS IDENTITY,
    kind             text NOT NULL,                   -- what was signed: handoff, receipt, minute
    subject          text NOT NULL,                   -- the handoff that it is about
    record_hash      bytea NOT NULL CHECK (length(record_hash) = 32),
    signature_hashes bytea[] NOT NULL,                -- in the order of signing
    entered_at       timestamptz NOT NULL DEFAULT now(),
    place            bigint UNIQUE CHECK (place >= 0) -- in the log, from 0; given once, after the commit
);
CREATE INDEX custody_leaf_waiting ON custody_leaf (seq) WHERE place IS NULL;
CREATE INDEX custody_leaf_subject ON custody_leaf (subject, seq);

CREATE FUNCTION place_leaf_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.place IS NULL AND NEW.place IS NOT NULL
       AND (OLD.id, OLD.seq, OLD.kind, OLD.subject, OLD.record_hash, OLD.signature_hashes, OLD.entered_at)
         = (NEW.id, NEW.seq, NEW.kind, NEW.subject, NEW.record_hash, NEW.signature_hashes, NEW.entered_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'custody_leaf is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER custody_leaf_is_placed_once BEFORE UPDATE ON custody_leaf
    FOR EACH ROW EXECUTE FUNCTION place_leaf_once();
CREATE TRIGGER custody_leaf_is_append_only BEFORE DELETE OR TRUNCATE ON custody_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The bytes that were signed, and their signatures. Retention may take the record away; its hash stays in the leaf.
CREATE TABLE custody_content (
    leaf_id    text PRIMARY KEY REFERENCES custody_leaf (id),
    record     bytea,                                 -- NULL: expired
    signatures bytea[] NOT NULL
);
CREATE FUNCTION only_expire_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.record IS NULL AND (NEW.leaf_id, NEW.signatures) = (OLD.leaf_id, OLD.signatures) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'custody_content is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER custody_content_only_expires BEFORE UPDATE ON custody_content
    FOR EACH ROW EXECUTE FUNCTION only_expire_content();
CREATE TRIGGER custody_content_is_append_only BEFORE DELETE OR TRUNCATE ON custody_content
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Hashes of complete subtrees: level 0 is the leaves, "at" counts from the left. With these a proof reads log2(n) rows.
CREATE TABLE custody_node (
    level smallint NOT NULL CHECK (level >= 0),
    at    bigint NOT NULL CHECK (at >= 0),
    hash  bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, at)
);
CREATE TRIGGER custody_node_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE custody_checkpoint (
    number    bigint PRIMARY KEY CHECK (number > 0),
    size      bigint NOT NULL CHECK (size > 0),
    root      bytea NOT NULL CHECK (length(root) = 32),
    at        timestamptz NOT NULL,
    body      bytea NOT NULL,                         -- canonical JSON; what is signed and stamped
    signature bytea NOT NULL,                         -- by the log's key
    witnessed boolean NOT NULL                        -- the day's: every department was handed it
);
CREATE INDEX custody_checkpoint_size ON custody_checkpoint (size, number);
CREATE INDEX custody_checkpoint_witnessed ON custody_checkpoint (number) WHERE witnessed;
CREATE TRIGGER custody_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- RFC 3161 time stamps on checkpoints, verified before they are stored.
CREATE TABLE custody_stamp (
    checkpoint bigint NOT NULL REFERENCES custody_checkpoint (number),
    authority  text NOT NULL,                         -- the counterparty that gave it
    at         timestamptz NOT NULL,                  -- the time that it vouches for
    serial     text NOT NULL,
    token      bytea NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checkpoint, authority)
);
CREATE TRIGGER custody_stamp_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_stamp
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each witness answered: its receipt and counter-signature, or that the log does not go on from what it holds.
CREATE TABLE custody_witness (
    counterparty text NOT NULL,
    checkpoint   bigint NOT NULL REFERENCES custody_checkpoint (number),
    at           timestamptz NOT NULL,
    signature    bytea,                               -- over the checkpoint's bytes, where the witness can sign
    refusal      text,
    PRIMARY KEY (counterparty, checkpoint)
);
CREATE TRIGGER custody_witness_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_witness
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Revocation lists as they were at the time: a signature made before a revocation is judged by the list of its day.
CREATE TABLE crl (
    hash        bytea PRIMARY KEY CHECK (length(hash) = 32),
    issuer      bytea NOT NULL,                       -- DER of the issuer's name
    number      numeric,
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL,
    der         bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX crl_issuer ON crl (issuer, this_update);
CREATE TRIGGER crl_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON crl
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
