"""Large statements for the bench: invented movements, the shape of real ones."""

from pathlib import Path

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
    "<BkToCstmrStmt><GrpHdr><MsgId>BENCH</MsgId><CreDtTm>2026-11-24T17:00:00+07:00</CreDtTm></GrpHdr><Stmt>"
    "<Id>BENCH-1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-11-24T17:00:00+07:00</CreDtTm>"
    "<Acct><Id><Othr><Id>1020304050607</Id></Othr></Id><Ccy>VND</Ccy></Acct>"
    '<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="VND">0</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-11-24</Dt></Dt></Bal>\n"
)
_ENTRY = (
    '<Ntry><NtryRef>{n}</NtryRef><Amt Ccy="VND">50000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
    "<BookgDt><Dt>2026-11-24</Dt></BookgDt><ValDt><Dt>2026-11-24</Dt></ValDt>"
    "<AcctSvcrRef>FT26328{n:09}</AcctSvcrRef><BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>"
    "<Refs><EndToEndId>E2E{n:09}</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>NGUYEN VAN THU NGHIEM</Nm></Pty></Dbtr>"
    "</RltdPties><RmtInf><Ustrd>MBVCB.{n:010}.CT tu 0000000000 NGUYEN VAN THU NGHIEM toi 1020304050607</Ustrd>"
    "</RmtInf></TxDtls></NtryDtls></Ntry>\n"
)
_FOOT = "</Stmt></BkToCstmrStmt></Document>\n"


def camt_file(path: Path, size: int) -> int:
    """A camt.053 of about ``size`` bytes; gives the number of its entries."""
    entries = 0
    with path.open("w", encoding="utf-8") as file:
        written = file.write(_HEAD)
        while written < size:
            entries += 1
            written += file.write(_ENTRY.format(n=entries))
        file.write(_FOOT)
    return entries


def mt940_text(entries: int) -> str:
    """An MT940 statement with so many entries."""
    lines = "".join(
        f":61:2611241124C50000,NTRFE2E{n:09}//FT26328{n:09}\n"
        f":86:MBVCB.{n:010}.CT tu 0000000000 NGUYEN VAN THU NGHIEM toi 10203040506\n07 TRUNG TAM HCC\n"
        for n in range(1, entries + 1)
    )
    return f":20:BENCH\n:25:1020304050607\n:28C:1/1\n:60F:C261123VND0,\n{lines}:62F:C261124VND{entries * 50000},\n-\n"
