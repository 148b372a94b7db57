"""A demand is issued when a dossier is opened, by the catalogue of the day on which it was received."""

from datetime import datetime, time, timedelta

from config.catalogue import FeeSettings, Pay, Procedure
from config.fees import Exemption
from hub.audit import AuditAction
from hub.clock import VIETNAM, local
from hub.events import DossierOpened, Event, FeeDemanded, FeeNotDue, FeeWaived
from hub.fees.demands import demand_store, payer_notice
from hub.fees.demands.model import Demand, DemandLine, DemandStatusCode
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id


def demand(uow: UnitOfWork, event: DossierOpened) -> list[Event]:
    """Every dossier that is opened hears one of: nothing is due, it is demanded, it is waived."""
    procedure = uow.catalogue.procedures[event.procedure]
    fee_settings = uow.catalogue.fee_settings
    if procedure.pay is Pay.NONE or fee_settings is None:
        return [FeeNotDue(event.dossier_id)]
    lines = _lines(uow, event.dossier_id, procedure, event.received_at)
    if not lines:
        return [FeeNotDue(event.dossier_id)]
    issued = _issued(uow, event.dossier_id, procedure, fee_settings, lines)
    demand_store.add(uow.conn, issued, lines)
    uow.write_audit(issued.id, AuditAction.DEMAND_ISSUED, after=issued.status, reason=issued.reference)
    for line in lines:
        if line.waived:
            uow.write_audit(
                issued.id,
                AuditAction.DEMAND_FEE_EXEMPTED,
                reason=f"{line.fee_code}: {line.exemption}, {line.basis}",
                details={"fee_code": line.fee_code, "exemption": line.exemption},
            )
    if not issued.outstanding:
        return [FeeWaived(event.dossier_id, payer_notice.notice(issued), uow.now)]
    return [FeeDemanded(event.dossier_id, payer_notice.notice(issued), issued.pay_first)]


def expiry(fee_settings: FeeSettings, issued_at: datetime) -> datetime:
    """The end of the last day, in Vietnam, on which a demand of ``issued_at`` may be paid."""
    day = local(issued_at).date() + timedelta(days=fee_settings.pay_within_days + 1)
    return datetime.combine(day, time(), VIETNAM)


def _lines(uow: UnitOfWork, dossier_id: str, procedure: Procedure, received_at: datetime) -> list[DemandLine]:
    fees = [fee for fee in procedure.fees_on(local(received_at).date()) if fee.amount]
    exemption = _exemption(uow, dossier_id, procedure) if fees else None
    lines: list[DemandLine] = []
    for fee in fees:
        lifted = exemption if exemption is not None and exemption.lifts(fee.code) else None
        lines.append(
            DemandLine(
                fee_code=fee.code,
                kind=fee.kind.value,
                title=fee.title,
                department=procedure.department,
                amount=fee.amount,
                waived=fee.amount if lifted else 0,
                exemption=lifted.code if lifted else None,
                retention_bp=fee.retention_bp,
                basis=lifted.basis if lifted else fee.basis,
            )
        )
    return lines


def _exemption(uow: UnitOfWork, dossier_id: str, procedure: Procedure) -> Exemption | None:
    """What the submission says about who pays, if the procedure has exemptions at all."""
    if not procedure.exemptions:
        return None
    return procedure.exemption(uow.submission(dossier_id).exemption)


def _issued(
    uow: UnitOfWork, dossier_id: str, procedure: Procedure, fee_settings: FeeSettings, lines: list[DemandLine]
) -> Demand:
    due, waived = sum(line.amount for line in lines), sum(line.waived for line in lines)
    pay_first = procedure.pay is Pay.FIRST
    return Demand(
        id=new_id(Prefix.FEE_DEMAND),
        dossier_id=dossier_id,
        department=procedure.department,
        reference=str(demand_store.next_reference(uow.unflushed, fee_settings.prefix)),
        bank_bin=fee_settings.account.bin,
        account=fee_settings.account.number,
        amount_due=due,
        waived=waived,
        allocated=0,
        confirmed=0,
        status=DemandStatusCode.ISSUED if due > waived else DemandStatusCode.WAIVED,
        pay_first=pay_first,
        issued_at=uow.now,
        expires_at=expiry(fee_settings, uow.now) if pay_first else None,
        version=1,
    )
