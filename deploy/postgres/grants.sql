-- What each role may do with which table. Run as hub_owner after every `hub db upgrade`:
--     psql "$OWNER_URL" --single-transaction -f grants.sql
-- It takes everything away first, so it says all there is; a table that it does not name is closed to every role.
--
-- Nobody but the owner deletes: the doors' rows, the audit log and the events stay. Bytes that came in or are to go out
-- are never changed, nor is who, what and when: UPDATE is given by column, to a row's own fate. Evidence ages through
-- rotate_exchange(), which runs as the owner, by the server's own day and what the owner says is kept (retention), so
-- that no role needs DELETE, CREATE or DROP. The doors read no body, and the audit log is written for them: that a
-- message came by a trigger, the rest by write_audit_from_endpoint(), each in the name of whom it is about.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM hub_api, hub_worker, hub_reader;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM hub_api, hub_worker, hub_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM hub_api, hub_worker, hub_reader;

-- The doors.
GRANT SELECT ON alembic_version, counterparty, idempotency, dossier, event TO hub_api;
GRANT SELECT (id, source, kind, external_id, seq, ordering_key, fingerprint, received_at, due_at, wakeup_sent_at, state,
    settled_at, error_detail) ON inbox TO hub_api;          -- the last two: when and why a submission was refused
GRANT INSERT ON inbox, idempotency TO hub_api;
GRANT EXECUTE ON FUNCTION write_audit_from_endpoint(text, text) TO hub_api;
GRANT INSERT (code) ON counterparty TO hub_api;             -- a new one in the catalogue, at the start
GRANT UPDATE (wakeup_sent_at) ON inbox TO hub_api;
GRANT SELECT (place, entered_at, seq) ON custody_leaf TO hub_api; -- whether the log is anchored, for the health door
GRANT SELECT (number, size) ON custody_checkpoint TO hub_api;
GRANT SELECT (checkpoint) ON custody_stamp TO hub_api;
GRANT SELECT (id, operator, order_number, token_hash) ON consignment TO hub_api; -- whom a capability URL names

GRANT SELECT ON tick, worker_heartbeat TO hub_api;         -- whether the ticks run and the workers live, likewise
GRANT SELECT ON fee_demand, fee_demand_line TO hub_api;    -- what a payer is told
GRANT SELECT (id, department, month, state, net, disputed, body, sha256, signature, notified_at, answer_id, answered_at,
    transferred_at) ON settlement TO hub_api;               -- what a department is shown of its tables

GRANT INSERT ON notify_delivery, notify_event, notify_verdict TO hub_api;
GRANT SELECT (id) ON notify_delivery TO hub_api;
GRANT SELECT, INSERT ON rejected_request TO hub_api;        -- who proves nothing is counted, and leaves nothing else
GRANT UPDATE (count) ON rejected_request TO hub_api;
GRANT SELECT (id, provider, provider_txn, kind, content_hash, answer_status, answer_body, inbox_id) ON notify_event
    TO hub_api;                                             -- whether it was told before, and what was answered

-- The workers and the operators' commands.
GRANT SELECT ON alembic_version, counterparty, inbox, idempotency, outbox, attempt, exchange, audit_log, dossier,
    dossier_serial, handoff, event TO hub_worker;
GRANT INSERT ON inbox, idempotency, outbox, attempt, exchange, audit_log, dossier, dossier_serial, handoff, event
    TO hub_worker;
GRANT INSERT (code) ON counterparty TO hub_worker;
GRANT UPDATE (paused_at, paused_by, pause_reason, failures, breaker_open_until, last_success_at, waiting_for_capacity,
    cursor, polled_at, poll_lease_until, feed_error) ON counterparty TO hub_worker;
GRANT UPDATE (due_at, wakeup_sent_at, attempts, backoff_attempts, unsettled_claims, state, error_code, error_detail,
    settled_at) ON inbox TO hub_worker;
GRANT UPDATE (due_at, wakeup_sent_at, waiting_for_capacity, attempts, backoff_attempts, unsettled_claims, state,
    error_code, error_detail, reason, review_at, reply, settled_at) ON outbox TO hub_worker;
GRANT UPDATE (finished_at, outcome, code, detail) ON attempt TO hub_worker;
GRANT SELECT, INSERT, UPDATE ON tick, worker_heartbeat TO hub_worker;
GRANT UPDATE (status, status_at, by_report, reason, version, updated_at, released_at, due_at) ON dossier TO hub_worker;
GRANT UPDATE (last) ON dossier_serial TO hub_worker;
GRANT SELECT, INSERT ON reserved_code TO hub_worker;
GRANT UPDATE (status, number, answered_at, transfer_id, officer, prepared_at, record_hash, salt, draft, leaf_id,
    receipt_leaf_id, delivered_at, taken_at, completed_at) ON handoff TO hub_worker;
GRANT SELECT, INSERT ON handoff_minute TO hub_worker;
GRANT EXECUTE ON FUNCTION rotate_exchange() TO hub_worker;
GRANT SELECT ON retention TO hub_worker, hub_reader;

-- The custody log. A leaf is given its place once, a record may expire; triggers see to it that nothing else changes.
GRANT SELECT, INSERT ON custody_leaf, custody_content, custody_node, custody_checkpoint, custody_stamp,
    custody_witness, crl TO hub_worker;
GRANT UPDATE (place) ON custody_leaf TO hub_worker;
GRANT UPDATE (record) ON custody_content TO hub_worker;

-- Consignments. What happened to one, and the codes of the items, are never changed; a code is taken once.
GRANT SELECT, INSERT ON consignment, consignment_item, item_code_pool, tracking_event, complaint, incident, attention
    TO hub_worker;
GRANT UPDATE (item_code, item_code_ok, order_status, order_status_at, status, status_at, attempts, damaged, late_events,
    reason, posted_on, promised_on, last_event_at, settled_at, updated_at) ON consignment TO hub_worker;
GRANT UPDATE (consignment_id, taken_at) ON item_code_pool TO hub_worker;
GRANT UPDATE (outcome, answer, resolved_on) ON complaint TO hub_worker;
GRANT UPDATE (liable, compensation, note) ON incident TO hub_worker;
GRANT UPDATE (cleared_at, cleared_by) ON attention TO hub_worker;

-- The book: added to, never changed. A closed day may be opened again, a case runs its course; triggers watch both.
GRANT SELECT, INSERT ON ledger_entry, ledger_line, ledger_checkpoint, day_close, fee_exception, proof_run
    TO hub_worker;
GRANT SELECT, INSERT ON month_close, close_proposal TO hub_worker;
GRANT UPDATE (reopened_at, reopen_maker, reopen_checker, reopen_reason) ON day_close, month_close TO hub_worker;
GRANT UPDATE (outcome, checker, ended_at) ON close_proposal TO hub_worker;
GRANT EXECUTE ON FUNCTION month_is_closed(date) TO hub_worker;
GRANT UPDATE (severity, at_risk, state, due_on, facts, resolution, details, reason, persons, maker, checker,
    assigned_to, carried_by, carried_reason, resolved_at) ON fee_exception TO hub_worker;
GRANT EXECUTE ON FUNCTION book_is_closed(text, date) TO hub_worker;

-- Fee demands. Who owes what for which dossier stays as it was demanded; a credit is confirmed and ended, never changed.
GRANT SELECT, INSERT ON fee_demand, fee_demand_line, fee_credit TO hub_worker;
GRANT USAGE ON SEQUENCE fee_reference_serial TO hub_worker;
GRANT UPDATE (waived, allocated, confirmed, status, version, expires_at, updated_at) ON fee_demand TO hub_worker;
GRANT UPDATE (waived, exemption, basis) ON fee_demand_line TO hub_worker;
GRANT UPDATE (confirmed_at, reversed_at, reversed_by) ON fee_credit TO hub_worker;

-- What was notified is never changed; of a payment, what became of it, and the bank's number where a gateway's was first.
GRANT SELECT ON notify_delivery, notify_event, notify_verdict TO hub_worker;
GRANT SELECT, INSERT ON payment, late_notification TO hub_worker;
GRANT UPDATE (allocated, status, bank_ref, updated_at) ON payment TO hub_worker;

-- Statements. A file is settled once, a booked line stays what it was; what matching finds is written beside it.
GRANT SELECT, INSERT ON statement_file, statement, statement_line TO hub_worker;
GRANT UPDATE (bank, format, profile, state, summary, findings, proposal, maker, reason, checker, settled_at) ON
    statement_file TO hub_worker;
GRANT UPDATE (chain, superseded_by) ON statement TO hub_worker;
GRANT UPDATE (statement_id, line_key, content, entry, booking_date, value_date, status, bank_ref, e2e, text, text_norm,
    text_version, reversal, allocated, state) ON statement_line TO hub_worker;

-- Matching. What was read and joined stays; a group moves as its lifecycle has it, and triggers watch that.
GRANT SELECT, INSERT ON recon_run, match_clue, match_group, match_leg, virtual_account, payout_report, payout_item
    TO hub_worker;
GRANT USAGE ON SEQUENCE match_group_id TO hub_worker;
GRANT UPDATE (state, finished_at, counters, digest) ON recon_run TO hub_worker;
GRANT UPDATE (how, shown, errors, version, stands) ON match_clue TO hub_worker;
GRANT UPDATE (run_id, pass, class, rule_version, state, evidence, maker, checker, reason, revoke_maker) ON match_group
    TO hub_worker;
GRANT UPDATE (demand_id, amount, credited, confirmed) ON match_leg TO hub_worker;

-- Payment orders and refunds. What they say stays; they move as their lifecycle has it, and triggers watch that.
GRANT SELECT, INSERT ON payment_order, refund TO hub_worker;
GRANT USAGE ON SEQUENCE order_reference_serial TO hub_worker;
GRANT UPDATE (state, checker, approved_at, sent_at, settled_at, line_id, returned_line_id) ON payment_order
    TO hub_worker;
GRANT UPDATE (state, booked_at, exception_ids) ON refund TO hub_worker;
GRANT SELECT, INSERT ON chargeback TO hub_worker;
GRANT UPDATE (state, settled_at, line_id) ON chargeback TO hub_worker;

-- Receipts. What one says is never changed; it is published and becomes void, and triggers watch that.
GRANT SELECT ON receipt_due TO hub_worker;
GRANT SELECT, INSERT ON receipt_policy, receipt_series, receipt TO hub_worker;
GRANT EXECUTE ON FUNCTION next_receipt_number(text, smallint) TO hub_worker;
GRANT UPDATE (last) ON receipt_series TO hub_worker;
GRANT UPDATE (published_at, issuer_number, void_maker, void_reason, voided_at, voided_by, void_notified_at) ON receipt
    TO hub_worker;

-- Settlements. What a table says stays; it goes its way, a line is disputed, what is carried on is taken.
GRANT SELECT, INSERT ON settlement, settlement_fee, settlement_item, settlement_carry TO hub_worker;
GRANT UPDATE (state, disputed, notified_at, answer_id, answer, answered_at, order_id, transferred_at) ON settlement
    TO hub_worker;
GRANT UPDATE (live, disputed) ON settlement_item TO hub_worker;
GRANT UPDATE (taken_by) ON settlement_carry TO hub_worker;

-- Reports: everything but what people wrote, what was said, and what identifies a message's content.
GRANT SELECT ON alembic_version, counterparty, attempt, dossier_serial, tick, worker_heartbeat TO hub_reader;
GRANT SELECT (id, dossier_id, leg, department, transfer_id, status, number, prepared_at, answered_at, act, carrier,
    officer, result, record_hash, leaf_id, receipt_leaf_id, delivered_at, taken_at, completed_at) ON handoff TO
    hub_reader;
GRANT SELECT (handoff_id, at, media_type, sha256, leaf_id, entered_at) ON handoff_minute TO hub_reader;
GRANT SELECT (id, source, kind, seq, ordering_key, media_type, received_at, due_at, wakeup_sent_at, attempts,
    backoff_attempts, unsettled_claims, state, error_code, settled_at) ON inbox TO hub_reader;
GRANT SELECT (id, seq, kind, counterparty, ordering_key, subject, deadline, created_at, due_at, wakeup_sent_at,
    waiting_for_capacity, attempts, backoff_attempts, unsettled_claims, state, error_code, review_at, settled_at) ON
    outbox TO hub_reader;
GRANT SELECT (id, at, attempt_id, counterparty) ON exchange TO hub_reader;
GRANT SELECT (id, at, subject, actor, action, before, after) ON audit_log TO hub_reader;
GRANT SELECT (id, code, procedure, department, status, status_at, version, received_at, due_at, updated_at,
    released_at) ON dossier TO hub_reader;
GRANT SELECT ON fee_demand, fee_demand_line, fee_credit TO hub_reader;
GRANT SELECT ON rejected_request TO hub_worker, hub_reader;
GRANT SELECT (id, provider, received_at, sha256) ON notify_delivery TO hub_reader;
GRANT SELECT (id, provider, provider_txn, kind, amount, currency, paid_at, account, bank_ref, delivery_id, verdict,
    inbox_id) ON notify_event TO hub_reader;
GRANT SELECT (delivery_id, at, verdict, code, key_id, event_id, answer_status) ON notify_verdict TO hub_reader;
GRANT SELECT (id, source, provider, provider_txn, account, bank_ref, amount, allocated, paid_at, business_date,
    reference, status, created_at, updated_at) ON payment TO hub_reader;
GRANT SELECT ON late_notification TO hub_reader;
GRANT SELECT (id, seq, type, submission_id, version, at) ON event TO hub_reader;
GRANT SELECT ON custody_leaf, custody_node, custody_checkpoint, custody_stamp, custody_witness, crl TO hub_reader;
GRANT SELECT (id, operator, direction, service, order_number, item_code, item_code_ok, seal_number, route_class, cash,
    handoff_id, transfer_id, order_status, order_status_at, status, status_at, attempts, damaged, late_events,
    ordered_at, posted_on, promised_on, last_event_at, settled_at, updated_at) ON consignment TO hub_reader;
GRANT SELECT ON consignment_item, item_code_pool, attention TO hub_reader;
GRANT SELECT (id, consignment_id, key, status, code, at, message_id, recorded_at) ON tracking_event TO hub_reader;
GRANT SELECT (id, consignment_id, subject, filed_on, due_on, outcome, resolved_on) ON complaint TO hub_reader;
GRANT SELECT (id, consignment_id, kind, found_on, liable, compensation) ON incident TO hub_reader;
GRANT SELECT (id, department, month, state, opening, receipts, refunds, adjustments, retained, net, disputed, sha256,
    leaf_id, computed_at, notified_at, answer_id, answered_at, order_id, transferred_at) ON settlement TO hub_reader;
GRANT SELECT ON settlement_fee, settlement_item, settlement_carry TO hub_reader;
GRANT SELECT ON ledger_entry, ledger_line, ledger_checkpoint, proof_run TO hub_reader;
GRANT SELECT (account, day, closed_at, digest, totals, maker, checker, reopened_at, reopen_maker, reopen_checker)
    ON day_close TO hub_reader;
GRANT SELECT (month, closed_at, digest, totals, maker, checker, reopened_at, reopen_maker, reopen_checker)
    ON month_close TO hub_reader;
GRANT SELECT (id, action, account, day, digest, totals, maker, proposed_at, outcome, checker, ended_at)
    ON close_proposal TO hub_reader;
GRANT SELECT (id, code, severity, at_risk, object_type, object_id, state, due_on, resolution, persons, maker, checker,
    assigned_to, carried_by, opened_at, resolved_at) ON fee_exception TO hub_reader;
GRANT SELECT (id, bank, sha256, format, state, received_at, maker, checker, settled_at) ON statement_file TO hub_reader;
GRANT SELECT ON statement TO hub_reader;
GRANT SELECT (id, statement_id, account, line_key, entry, booking_date, value_date, amount, status, bank_ref, e2e,
    reversal, allocated, state) ON statement_line TO hub_reader;
GRANT SELECT ON recon_run, match_group, match_leg, virtual_account, payout_report, payout_item TO hub_reader;
GRANT SELECT (line_id, value, how, errors, version, stands) ON match_clue TO hub_reader;
GRANT SELECT (id, purpose, subject_id, reference, account, amount, state, maker, checker, requested_at, approved_at,
    sent_at, settled_at, line_id, returned_line_id) ON payment_order TO hub_reader;
GRANT SELECT (id, source, item, amount, state, due_on, requested_at, booked_at, exception_ids) ON refund TO hub_reader;
GRANT SELECT ON receipt_policy, receipt_series, receipt_due TO hub_reader;
GRANT SELECT (id, series, year, number, demand_id, department, kind, amount, issued_on, issued_at, leaf_id, replaces,
    counterparty, published_at, issuer_number, void_maker, voided_at, voided_by, void_notified_at) ON receipt TO
    hub_reader;
GRANT SELECT (id, payment_id, account, amount, provider_case, state, answer_by, maker, noticed_at, settled_at, line_id)
    ON chargeback TO hub_reader;
