-- The audit log names what was done by an action of hub.audit.AuditAction, in the column action. Before, it was free
-- text in the column verb: words as 'closed' meant another thing for each kind of subject.
--
-- Processes of before go on during a rolling upgrade: what they write to verb gets its action, and they may call
-- note_at_door(). The release after takes away verb, audit_action(), its trigger and note_at_door().

-- The action of what an older process writes: a verb that meant several things is told apart by its subject.
CREATE FUNCTION audit_action(about text, what text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN what LIKE 'case %' THEN 'exception_opened' ELSE coalesce((
        SELECT action FROM (VALUES
        ('', 'received', 'message_received'), ('', 'dead-lettered', 'message_dead_lettered'),
        ('', 'requeued', 'message_requeued'), ('', 'refused', 'message_refused'),
        ('', 'read again', 'message_read_again'), ('', 'taken as another', 'message_taken_as_new'),
        ('', 'queued', 'transfer_queued'), ('', 'attempted', 'transfer_attempted'),
        ('', 'asked', 'transfer_queried'), ('', 'replayed', 'transfer_replayed'), ('', 'parked', 'transfer_parked'),
        ('', 'unparked', 'transfer_unparked'), ('tr_', 'cancelled', 'transfer_cancelled'),
        ('', 'paused', 'counterparty_paused'), ('', 'resumed', 'counterparty_resumed'),
        ('sub_', 'opened', 'dossier_opened'), ('sub_', 'moved', 'dossier_status_changed'),
        ('', 'passed', 'dossier_status_inferred'), ('', 'report repeated', 'dossier_report_repeated'),
        ('', 'report late', 'dossier_report_late'), ('', 'released', 'dossier_released'),
        ('', 'not released', 'dossier_not_released'), ('', 'unpaid after release', 'dossier_unpaid_after_release'),
        ('', 'ended', 'dossier_ended'), ('', 'not ordered', 'dossier_consignment_not_ordered'),
        ('', 'return record not looked at', 'dossier_handback_record_not_checked'),
        ('', 'portal told', 'portal_notified'), ('', 'portal declined', 'portal_notice_refused'),
        ('', 'unsigned', 'handoff_prepared'), ('', 'taken out to be signed', 'handoff_exported_for_signing'),
        ('', 'signed', 'handoff_signed'), ('hd_', 'renewed', 'handoff_renewed'),
        ('', 'answered', 'handoff_answered'),
        ('', 'counter-record not looked at', 'handoff_counter_record_not_checked'),
        ('', 'papers delivered', 'handoff_papers_delivered'), ('', 'minute entered', 'handoff_minute_entered'),
        ('', 'completed', 'handoff_completed'), ('', 'handed back', 'handback_received'),
        ('', 'stamped', 'checkpoint_stamped'), ('', 'not stamped', 'checkpoint_not_stamped'),
        ('', 'witnessed', 'checkpoint_witnessed'), ('', 'witness refused', 'checkpoint_witness_refused'),
        ('cs_', 'ordered', 'consignment_ordered'), ('cs_', 'moved', 'consignment_status_changed'),
        ('', 'cancelling', 'consignment_cancellation_requested'),
        ('', 'not cancelled', 'consignment_cancellation_refused'),
        ('', 'item code changed', 'consignment_item_code_changed'),
        ('', 'event repeated', 'consignment_event_repeated'), ('', 'event late', 'consignment_event_late'),
        ('', 'event conflict', 'consignment_event_conflict'), ('', 'loss recorded', 'consignment_loss_recorded'),
        ('', 'damage recorded', 'consignment_damage_recorded'),
        ('', 'item codes added', 'consignment_item_codes_added'), ('', 'complaint filed', 'complaint_filed'),
        ('', 'complaint resolved', 'complaint_resolved'), ('', 'attention raised', 'attention_raised'),
        ('', 'attention cleared', 'attention_cleared'), ('', 'attention dismissed', 'attention_dismissed'),
        ('', 'demanded', 'demand_issued'), ('', 'waived', 'demand_waived'),
        ('', 'rest waived', 'demand_rest_waived'), ('', 'credited', 'demand_credited'),
        ('', 'not credited', 'demand_not_credited'), ('fd_', 'confirmed', 'demand_credit_confirmed'),
        ('fd_', 'reversed', 'demand_credit_reversed'), ('', 'expired', 'demand_expired'),
        ('fd_', 'renewed', 'demand_renewed'), ('fd_', 'cancelled', 'demand_cancelled'),
        ('', 'refund ordered', 'demand_refund_ordered'), ('', 'refund withdrawn', 'demand_refund_withdrawn'),
        ('fd_', 'refunded', 'demand_refunded'), ('', 'case kept', 'demand_fee_kept'),
        ('', 'settled', 'demand_settled'), ('', 'not settled', 'demand_not_settled'),
        ('', 'virtual account given', 'demand_virtual_account_assigned'), ('pm_', 'notified', 'payment_notified'),
        ('', 'notified again', 'payment_notified_again'), ('', 'notified late', 'payment_notified_late'),
        ('', 'waits for the statement', 'payment_awaits_statement'),
        ('', 'failed at the provider', 'payment_failed_at_provider'), ('', 'collected', 'payment_collected'),
        ('', 'cash not booked', 'payment_collection_not_booked'), ('', 'overdue', 'payment_overdue'),
        ('', 'confirmed by a person', 'payment_confirmed_by_clerk'), ('pm_', 'voided', 'payment_voided'),
        ('pm_', 'reversed', 'payment_reversed'), ('pm_', 'refunded', 'payment_refunded'),
        ('', 'charged back', 'payment_charged_back'), ('', 'statement brought', 'statement_file_imported'),
        ('', 'statement read anew', 'statement_file_reread'), ('', 'statement accepted', 'statement_file_accepted'),
        ('', 'approve proposed', 'statement_file_approval_proposed'), ('', 'approved', 'statement_file_approved'),
        ('', 'reject proposed', 'statement_file_rejection_proposed'), ('sf_', 'rejected', 'statement_file_rejected'),
        ('', 'brought', 'payout_report_imported'), ('', 'confirmation proposed', 'match_confirmation_proposed'),
        ('match ', 'confirmed', 'match_confirmed'), ('match ', 'rejected', 'match_rejected'),
        ('', 'revocation proposed', 'match_revocation_proposed'), ('', 'revoked', 'match_revoked'),
        ('', 'reported', 'exception_reported'), ('', 'assigned', 'exception_assigned'),
        ('', 'carried', 'exception_carried_over'), ('', 'proposed', 'exception_resolution_proposed'),
        ('ex_', 'withdrawn', 'exception_proposal_withdrawn'), ('', 'resolved', 'exception_resolved'),
        ('', 'partly resolved', 'exception_partly_resolved'), ('', 'explained', 'exception_explained'),
        ('ex_', 'reopened', 'exception_reopened'), ('', 'order requested', 'payment_order_requested'),
        ('', 'order approved', 'payment_order_approved'), ('', 'order sent', 'payment_order_sent'),
        ('', 'order file made again', 'payment_order_file_recreated'),
        ('', 'order confirmed', 'payment_order_confirmed'), ('', 'order returned', 'payment_order_returned'),
        ('po_', 'order failed', 'payment_order_failed'), ('po_', 'order cancelled', 'payment_order_cancelled'),
        ('', 'refund requested', 'refund_requested'), ('', 'refund approved', 'refund_approved'),
        ('', 'refund sent', 'refund_sent'), ('', 'refund confirmed', 'refund_confirmed'),
        ('', 'refund failed', 'refund_failed'), ('', 'refund cancelled', 'refund_cancelled'),
        ('', 'chargeback noticed', 'chargeback_noticed'), ('', 'chargeback evidence', 'chargeback_answered'),
        ('', 'chargeback won', 'chargeback_won'), ('', 'chargeback lost', 'chargeback_lost'),
        ('', 'chargeback debited', 'chargeback_debited'), ('', 'issued', 'receipt_issued'),
        ('', 'published', 'receipt_published'), ('', 'not published', 'receipt_not_published'),
        ('', 'void proposed', 'receipt_void_proposed'), ('rc_', 'voided', 'receipt_voided'),
        ('', 'void published', 'receipt_void_published'), ('', 'void not published', 'receipt_void_not_published'),
        ('', 'policy', 'receipt_policy_changed'), ('', 'computed', 'settlement_computed'),
        ('sm_', 'withdrawn', 'settlement_withdrawn'), ('', 'sent', 'settlement_sent'),
        ('sm_', 'notified', 'settlement_delivered'), ('', 'not received', 'settlement_not_received'),
        ('', 'receipt of another table', 'settlement_receipt_mismatched'), ('sm_', 'opened', 'settlement_opened'),
        ('sm_', 'confirmed', 'settlement_confirmed'), ('', 'disputed', 'settlement_disputed'),
        ('', 'carried on', 'settlement_carried_over'), ('sm_', 'ordered', 'settlement_transfer_ordered'),
        ('', 'transferred', 'settlement_transferred'), ('', 'transfer returned', 'settlement_transfer_returned'),
        ('sm_', 'order cancelled', 'settlement_order_cancelled'), ('sm_', 'order failed', 'settlement_order_failed'),
        ('', 'receipted', 'settlement_papers_handed_over'), ('sm_', 'closed', 'settlement_closed'),
        ('', 'close proposed', 'period_close_proposed'), ('', 'close overtaken', 'period_close_outdated'),
        ('close ', 'closed', 'period_closed'), ('', 'reopen proposed', 'period_reopen_proposed'),
        ('close ', 'reopened', 'period_reopened'), ('', 'settlements computed', 'period_settlements_computed'),
        ('', 'opening booked', 'opening_balance_booked')
        ) AS known (prefix, verb, action) WHERE verb = what AND starts_with(about, prefix)), what) END
$$;

ALTER TABLE audit_log ADD COLUMN action text;
ALTER TABLE audit_log DISABLE TRIGGER audit_log_is_append_only;
UPDATE audit_log SET
    action = CASE WHEN verb = 'waived' AND details ? 'fee_code' THEN 'demand_fee_exempted'
                  ELSE audit_action(subject, verb) END,
    after = CASE WHEN verb LIKE 'case %' THEN substr(verb, 6) ELSE after END;
ALTER TABLE audit_log ENABLE TRIGGER audit_log_is_append_only;
ALTER TABLE audit_log ALTER COLUMN action SET NOT NULL, ALTER COLUMN verb DROP NOT NULL;

CREATE FUNCTION audit_action_of_verb() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.action := CASE WHEN NEW.verb = 'waived' AND NEW.details ? 'fee_code' THEN 'demand_fee_exempted'
                       ELSE public.audit_action(NEW.subject, NEW.verb) END;
    IF NEW.verb LIKE 'case %' THEN
        NEW.after := substr(NEW.verb, 6);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_log_has_action BEFORE INSERT ON audit_log FOR EACH ROW WHEN (NEW.action IS NULL)
    EXECUTE FUNCTION audit_action_of_verb();

CREATE OR REPLACE FUNCTION audit_received() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_log (subject, actor, action, after)
    VALUES (NEW.id, NEW.source, 'message_received', 'received');
    RETURN NULL;
END $$;

-- The one other line that the API's role may write: in the name of the department that the settlement is for.
CREATE FUNCTION write_audit_from_endpoint(about text, what text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    who text := (SELECT 'department.' || department FROM public.settlement WHERE id = about);
BEGIN
    IF who IS NULL OR what <> 'settlement_opened' THEN
        RAISE EXCEPTION 'an endpoint does not write "%" about %', what, about USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.audit_log (subject, actor, action) VALUES (about, who, what);
END $$;
REVOKE EXECUTE ON FUNCTION write_audit_from_endpoint FROM PUBLIC;
