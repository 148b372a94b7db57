#!/bin/sh
# Verifies this bundle with openssl (3.0 or newer) and nothing of the hub's:    sh verify.sh roots.pem
# roots.pem holds the root certificates that YOU believe. Never take them, or this script, from a bundle that you doubt.
# Ends with 0 and VALID, or with 1 and the first thing that is not right.
set -u
[ $# -eq 1 ] && [ -r "$1" ] || { echo "usage: sh verify.sh roots.pem"; exit 2; }
roots=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

no() { echo "NOT VALID: $1"; exit 1; }
sha256() { openssl dgst -sha256 -r "$1" | cut -c1-64; }
# SHA-256 of bytes that are given as hex digits: openssl writes them as DER, behind a header of two bytes.
sha256_of_hex() {
    openssl asn1parse -genstr "FORMAT:HEX,OCTETSTRING:$1" -noout -out "$work/hex" || exit 2
    tail -c +3 "$work/hex" >"$work/bytes"
    sha256 "$work/bytes"
}
# A detached CAdES signature, at the time of the stamp, by a certificate that was not revoked then.
signed() {
    openssl cms -verify -cades -binary -inform DER -in "$2" -content "$1" -CAfile "$work/trust.pem" \
        -certfile "$work/issuers.pem" -crl_check -attime "$then" -purpose any -signer "$work/signer.pem" \
        -out /dev/null 2>"$work/why" || no "the signature $2: $(grep -o 'Verify error:.*\|:[a-z ]*:[^:]*$' "$work/why" | head -1)"
}

# 1. Nothing was changed on the way.
while read -r sum name; do
    [ "$(sha256 "$name" 2>/dev/null)" = "$sum" ] || no "$name is not what SHA256SUMS says"
done <SHA256SUMS

cat "$roots" >"$work/trust.pem"
for crl in crls/*.crl; do
    [ -e "$crl" ] && { openssl crl -inform DER -in "$crl" >>"$work/trust.pem" || no "$crl cannot be read"; }
done
cat certificates/*.pem "$roots" >"$work/issuers.pem" 2>/dev/null

handoff=
for part in [0-9][0-9]-*; do
    # 2. The time: the stamp on the checkpoint. Everything else is judged as of then.
    [ -e "$part/checkpoint.tst" ] || no "$part has no time stamp yet"
    stamped=$(openssl ts -reply -token_in -in "$part/checkpoint.tst" -token_out -text 2>/dev/null |
        sed -n 's/^Time stamp: //p')
    then=$(date -u -d "$stamped" +%s 2>/dev/null || date -u -j -f '%b %d %T %Y %Z' "$stamped" +%s 2>/dev/null) ||
        no "the time stamp of $part cannot be read"
    openssl ts -verify -token_in -in "$part/checkpoint.tst" -data "$part/checkpoint.json" -CAfile "$roots" \
        -untrusted "$work/issuers.pem" -attime "$then" >/dev/null 2>&1 || no "the time stamp of $part"

    # 3. The checkpoint: signed by the log that it names.
    signed "$part/checkpoint.json" "$part/checkpoint.p7s"
    log=$(sed -n 's/.*"log":"\([^"]*\)".*/\1/p' "$part/checkpoint.json")
    openssl x509 -in "$work/signer.pem" -noout -subject -nameopt multiline,utf8,-esc_msb |
        sed -n -e 's/^ *commonName *= //p' -e 's/^ *serialNumber *= //p' | grep -Fqx -- "$log" ||
        no "the checkpoint of $part is not signed by the log $log"

    # 4. The signatures: the person's on the record, then the seal's on the person's.
    if [ -e "$part/record.json" ]; then
        record=$(sha256 "$part/record.json")
        signed "$part/record.json" "$part/record.p7s"
    else
        record=$(cat "$part/record.sha256")
        openssl asn1parse -inform DER -in "$part/record.p7s" | grep -qi "HEX DUMP]:$record\$" ||
            no "$part/record.p7s signs another record"
        echo "$part: content expired, its hash matches"
    fi
    leaf=$record$(sha256 "$part/record.p7s")
    if [ -e "$part/seal.p7s" ]; then
        signed "$part/record.p7s" "$part/seal.p7s"
        leaf=$leaf$(sha256 "$part/seal.p7s")
    fi

    # 5. The way from the leaf to the root that was stamped.
    hash=$(sha256_of_hex "00$leaf")
    [ "$(grep -E '^(record|signature) ' "$part/proof.txt" | sed 's/^[a-z]* //' | tr -d '\n')" = "$leaf" ] ||
        no "the proof of $part is of another record"
    place= last= want=
    while read -r side other of size; do
        case $side in
        leaf)
            place=$other last=$((size - 1))
            grep -q "\"size\":$size[,}]" "$part/checkpoint.json" || no "the proof of $part is of another checkpoint"
            ;;
        left | right)
            while [ "$last" -gt 0 ] && [ $((place % 2)) -eq 0 ] && [ "$place" -eq "$last" ]; do
                place=$((place / 2)) last=$((last / 2))
            done
            want=right
            [ $((place % 2)) -eq 0 ] || want=left
            [ "$last" -gt 0 ] && [ "$side" = "$want" ] || no "the proof of $part is of another place"
            place=$((place / 2)) last=$((last / 2))
            if [ "$side" = left ]; then hash=$(sha256_of_hex "01$other$hash"); else hash=$(sha256_of_hex "01$hash$other"); fi
            ;;
        root) [ "$hash" = "$other" ] || no "$part is not in the log" ;;
        record | signature) ;;
        *) no "the proof of $part cannot be read" ;;
        esac
    done <"$part/proof.txt"
    [ "$(tail -n 1 "$part/proof.txt")" = "root $hash" ] || no "the proof of $part does not end at a root"
    grep -q "\"root\":\"$hash\"" "$part/checkpoint.json" || no "$part is not in the log that was stamped"
    # 6. An answer names the handoff that it answers.
    [ -z "$handoff" ] || [ ! -e "$part/record.json" ] || grep -q "\"record\":\"$handoff\"" "$part/record.json" ||
        no "$part answers another handoff"
    handoff=${handoff:-$record}
    echo "$part: signed, in the log $log, not later than $stamped"
done
echo VALID
