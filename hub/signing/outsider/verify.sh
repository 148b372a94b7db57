#!/bin/sh
# Verifies this bundle with openssl (3.0 or newer) and nothing of the hub's:    sh verify.sh trust.json
# trust.json, with trust.p7s beside it, is the trust list that YOU hold: who signs for whom. Never take it, or this
# script, from a bundle that you doubt. Ends with 0 and VALID; with 1, NOT VALID and the first thing that is not right;
# with 4, CANNOT TELL and what is missing; with 2 where it was not called rightly.
set -u
LC_ALL=C
export LC_ALL
[ $# -eq 1 ] && [ -r "$1" ] || { echo "usage: sh verify.sh trust.json"; exit 2; }
list=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
# openssl believes the system's authorities beside those that it is given: here there are none.
SSL_CERT_DIR=$work/none SSL_CERT_FILE=$work/none
export SSL_CERT_DIR SSL_CERT_FILE

doubt=
# What is printed may come from the bundle: no escapes of the shell's, none of the terminal's.
say() { printf '%s\n' "$1" | tr -d '\000-\010\013-\037\177'; }
no() { say "NOT VALID: $1"; exit 1; }
cannot() { say "CANNOT TELL: $1"; exit 4; }
# SHA-256 of a file of the bundle, as step 2 has found it.
sha256() { while read -r sum name; do [ "$name" != "$1" ] || printf '%s\n' "$sum"; done <"$work/sums"; }
# SHA-256 of bytes that are given as pairs of hex digits: printf writes a byte for its number in octal.
sha256_of_hex() {
    case $1 in *[!0-9a-f]*) exit 2 ;; esac
    [ $((${#1} % 2)) -eq 0 ] || exit 2
    # shellcheck disable=SC2046,SC2059 # one argument a byte; what is printed is backslashes and digits
    sum=$(printf "$(printf '\\%03o' $(printf %s "$1" | sed 's/../0x& /g'))" | openssl dgst -sha256 -r) || exit 2
    printf '%s\n' "${sum%% *}"
}
# Leaves what there is to know of the certificate $1 in $work/facts, and its SHA-256 in $print.
facts() {
    openssl x509 -in "$1" -noout -fingerprint -sha256 -subject_hash -issuer_hash -subject \
        -nameopt multiline,utf8,-esc_msb >"$work/facts" || return 1
    print=$(sed -n '/^[SHAsha]*256 Fingerprint=/{s/.*=//;s/://g;y/ABCDEF/abcdef/;p;}' "$work/facts")
}
digits() { printf %s "$1" | tr -dc 0-9 | cut -c1-14; }
# What follows is judged as of $then (seconds since 1970); $moment is that as 14 digits, to be compared with the trust list's.
as_of() {
    then=$1
    moment=$(date -u -d "@$then" +%Y%m%d%H%M%S 2>/dev/null || date -u -r "$then" +%Y%m%d%H%M%S)
}
# A detached CAdES signature, at the time in $then, by a certificate that was not revoked then; it is left in signer.pem.
signed() {
    openssl cms -verify -cades -binary -inform DER -in "$2" -content "$1" -CAfile "$work/trust.pem" \
        -certfile "$work/issuers.pem" -crl_check -attime "$then" -purpose any -signer "$work/signer.pem" \
        -out /dev/null 2>"$work/why" || no "the signature $2: $(grep -o 'Verify error:.*\|:[a-z ]*:[^:]*$' "$work/why" | head -1)"
}
# What an RFC 3161 token over a file proves: that it existed at $then. Nothing is in a token but in the hub's one form.
stamped() {
    openssl cms -cmsout -inform DER -outform DER -in "$2" 2>/dev/null | cmp -s - "$2" || no "$2 is not in the form of DER"
    openssl cms -cmsout -inform DER -in "$2" -noout -print >"$work/print" 2>/dev/null
    grep -q 'version: 3' "$work/print" && grep -A1 'unsignedAttrs:' "$work/print" | grep -q '<ABSENT>' &&
        grep -A1 'crls:' "$work/print" | grep -q '<ABSENT>' || no "$2 holds what its signature does not cover"
    stamp=$(openssl ts -reply -token_in -in "$2" -token_out -text 2>/dev/null | sed -n 's/^Time stamp: //p')
    seconds=$(date -u -d "$stamp" +%s 2>/dev/null || date -u -j -f '%b %d %T %Y %Z' "$stamp" +%s 2>/dev/null) ||
        no "the time stamp $2 cannot be read"
    as_of "$seconds"
    openssl ts -verify -token_in -in "$2" -data "$1" -CAfile "$work/roots.pem" -untrusted "$work/issuers.pem" \
        -attime "$then" >/dev/null 2>&1 || no "the time stamp $2"
    openssl cms -verify -inform DER -in "$2" -CAfile "$work/trust.pem" -certfile "$work/issuers.pem" -crl_check \
        -attime "$then" -purpose timestampsign -signer "$work/signer.pem" -out /dev/null 2>/dev/null || no "the signature in $2"
    party "$2" tsa any "~" "~"
}
# Whether the signer in signer.pem is, by the trust list and at $then: FILE KIND HOLDER OFFICER UNIT ("~": none, or any).
party() {
    facts "$work/signer.pem" || no "$1: its signer cannot be read"
    serial=$(sed -n 's/^ *serialNumber *= //p' "$work/facts")
    named= late=
    while read -r by holder what who root since subject unit until; do
        mine=
        [ "$what" = "$2" ] && { [ "$3" = any ] || [ "$holder" = "$3" ]; } &&
            { [ "$who" = "~" ] || [ "$who" = "$4" ]; } &&
            { [ "$unit" = "~" ] || [ "$5" = "~" ] || [ "$unit" = "$5" ]; } && mine=yes
        if [ "$by" != "~" ]; then
            [ "$by" = "$print" ] || continue
        else
            if [ "$what" = tsa ]; then
                [ "$2" = tsa ] && { [ "$subject" = "~" ] || [ "$subject" = "$serial" ]; } || continue
            else
                [ "$subject" != "~" ] || [ -z "$mine" ] || subject=$4
                [ "$subject" = "$serial" ] || continue
            fi
            openssl verify -CAfile "$work/roots/$root" -untrusted "$work/issuers.pem" -purpose any -attime "$then" \
                "$work/signer.pem" >/dev/null 2>&1 || continue
        fi
        named="$what $holder $who $unit"
        [ -n "$mine" ] || continue
        late=yes
        [ "$since" = "~" ] || [ "$moment" -ge "$(digits "$since")" ] || continue
        [ "$until" = "~" ] || [ "$moment" -le "$(digits "$until")" ] || continue
        return 0
    done <"$work/entries"
    [ -z "$late" ] || no "$1: the trust list lets this signer be $2 $3 $4 at another time only"
    [ -z "$named" ] || no "$1: by the trust list its signer is $named; it has to be $2 $3 $4 $5"
    doubt=${doubt:-"$1: the trust list does not have its signer as $2 $3 $4; ask for a newer list"}
}
# Agency, officer and role of a side of a record: canonical JSON has one form of it, and has it once.
side() {
    [ "$(grep -o "\"$1\":{" "$2" | wc -l)" -eq 1 ] || no "$2 has not exactly one $1"
    sed 's/:null/:"~"/g' "$2" |
        sed -n "s/.*[{,]\"$1\":{\"agency\":\"\([^\"]*\)\",\"officer\":\"\([^\"]*\)\",\"role\":\"\([^\"]*\)\"}.*/\1 \2 \3/p"
}
has_one() { [ "$(grep -o "\"$1\":" "$2" | wc -l)" -eq 1 ] && grep -q "\"$1\":$3[,}]" "$2"; }

# 1. The trust list that the reader holds: its roots, who signs for whom, and the seal of the one whose list it is.
grep -q '"typ":"vn.hub.trust-list"' "$list" || cannot "$list is no trust list: roots alone do not say who signs for whom"
{ cat "$list"; echo; } >"$work/list" # a last line without its end is no line to sed and read
mkdir "$work/roots"
: >"$work/aids.pem"
sed -n 's/.*"authorities":\["\([^]]*\)"\].*/\1/p' "$work/list" | tr ',' '\n' | tr -d '"' | while read -r one; do
    printf '%s\n' "$one" | openssl base64 -d -A | openssl x509 -inform DER -out "$work/one.pem" && facts "$work/one.pem" || exit 1
    # Two lines of the facts are hashes of names: the subject's and the issuer's.
    if [ "$(grep -x '[0-9a-f]\{8\}' "$work/facts" | sort -u | wc -l)" -eq 1 ]; then
        cp "$work/one.pem" "$work/roots/$print"
    else
        cat "$work/one.pem" >>"$work/aids.pem"
    fi
done || cannot "$list cannot be read"
cat "$work/roots"/* >"$work/roots.pem" 2>/dev/null || cannot "$list has no roots"
sed 's/:null/:"~"/g' "$work/list" | tr '{' '\n' | sed -n 's/^"certificate":"\([^"]*\)","holder":"\([^"]*\)","kind":"\([^"]*\)","officer":"\([^"]*\)","root":"\([^"]*\)","since":"\([^"]*\)","subject":"\([^"]*\)","unit":"\([^"]*\)","until":"\([^"]*\)".*/\1 \2 \3 \4 \5 \6 \7 \8 \9/p' >"$work/entries"
centre=$(sed -n 's/.*,"centre":"\([^"]*\)",.*/\1/p' "$work/list")
cat "$work/aids.pem" "$work/roots.pem" >"$work/issuers.pem"
test -f "${list%.*}.p7s" || cannot "the seal of $list is missing: put ${list%.*}.p7s beside it"
openssl cms -verify -cades -binary -inform DER -in "${list%.*}.p7s" -content "$list" -CAfile "$work/roots.pem" \
    -certfile "$work/issuers.pem" -no_check_time -purpose any -signer "$work/signer.pem" -out /dev/null 2>/dev/null ||
    cannot "the seal on $list"
facts "$work/signer.pem" || cannot "the seal on $list"
grep -q "^$print $centre seal " "$work/entries" || cannot "the seal on $list is not one of $centre"

# 2. Nothing was changed on the way, and nothing was added.
# Names are taken from the folder, never from the list: openssl would read one with a hyphen as an option.
[ -z "$(find . ! -type f ! -type d)" ] || no "the bundle holds something that is neither a file nor a folder"
[ -z "$(find . -name '*[!A-Za-z0-9._-]*')" ] || no "the bundle holds a file whose name no bundle has"
find . -type f ! -path ./SHA256SUMS ! -path ./SHA256SUMS.p7s ! -path ./SHA256SUMS.tst | sort |
    xargs openssl dgst -sha256 -r | sed 's|^\([0-9a-f]*\) \*\./|\1  |' >"$work/sums"
other=$(diff "$work/sums" SHA256SUMS | sed -n 's/^< [0-9a-f]*  //p' | head -n 1)
cmp -s "$work/sums" SHA256SUMS || no "${other:-a file that is not here} is not what SHA256SUMS says"

# 3. Issuers and revocation lists of the time: believed only as far as their issuer has signed them.
cat certificates/*.pem >>"$work/issuers.pem" 2>/dev/null
for certificate in certificates/*.pem; do
    [ -e "$certificate" ] || continue
    openssl x509 -in "$certificate" 2>/dev/null | cmp -s - "$certificate" || no "$certificate is no certificate"
    openssl verify -CAfile "$work/roots.pem" -untrusted "$work/issuers.pem" -no_check_time -purpose any "$certificate" \
        >/dev/null 2>&1 || no "$certificate was not issued by whom the trust list knows"
done
cat "$work/roots.pem" >"$work/trust.pem"
for crl in crls/*.crl; do
    [ -e "$crl" ] || continue
    openssl crl -inform DER -outform DER -in "$crl" 2>/dev/null | cmp -s - "$crl" || no "$crl is no revocation list"
    openssl crl -inform DER -in "$crl" -CAfile "$work/issuers.pem" 2>"$work/why" >>"$work/trust.pem"
    grep -q 'verify OK' "$work/why" || no "$crl is not signed by whom the trust list knows"
done

handoff= department="~" to="~" to_role= number=0
for part in [0-9][0-9]-*; do
    kind=${part#*-}
    number=$((number + 1))
    case $number-$kind in
    1-handoff | 1-settlement | [2-9]-receipt | [2-9]-minute) ;;
    *) no "$part does not belong there" ;;
    esac
    [ "${part%%-*}" = "0$number" ] || no "the numbers of its parts have a gap"
    # 4. The time: the stamp on the checkpoint. Everything else is judged as of then.
    [ -e "$part/checkpoint.tst" ] || cannot "$part has no time stamp yet"
    stamped "$part/checkpoint.json" "$part/checkpoint.tst"
    stamp_of_part=$stamp

    # 5. The checkpoint: signed by the log that it names, with the key that the trust list has for it.
    signed "$part/checkpoint.json" "$part/checkpoint.p7s"
    log=$(sed -n 's/.*"log":"\([^"]*\)".*/\1/p' "$part/checkpoint.json")
    has_one log "$part/checkpoint.json" "\"$log\"" && has_one typ "$part/checkpoint.json" '"vn.hub.checkpoint"' ||
        no "$part/checkpoint.json is no checkpoint"
    party "$part/checkpoint.p7s" log "$log" "~" "~"

    # 6. Who has to have signed: it follows from what the record is.
    agency= officer= role=
    if [ -e "$part/record.json" ]; then
        record=$(sha256 "$part/record.json")
        has_one typ "$part/record.json" "\"vn.hub.$kind\"" || no "$part/record.json is no $kind"
        case $kind in
        handoff) name=giver ;;
        receipt) name=receiver ;;
        minute) name=entered_by ;;
        settlement) name= agency=$centre officer="~" role=centre ;;
        *) no "$part is of no kind that this script knows" ;;
        esac
        if [ -n "$name" ]; then
            read -r agency officer role <<SIDE
$(side "$name" "$part/record.json")
SIDE
        fi
        if [ "$kind" = handoff ]; then
            read -r to _ to_role <<SIDE
$(side receiver "$part/record.json")
SIDE
            if has_one act "$part/record.json" '"transfer"'; then
                department=$to
                [ "$role $to_role" = "centre department" ] && [ "$agency" = "$centre" ] || no "$part: its sides do not fit"
            else
                department=$agency
                [ "$role $to_role" = "department centre" ] && [ "$to" = "$centre" ] || no "$part: its sides do not fit"
            fi
        elif [ "$kind" = receipt ] && [ -n "$to_role" ]; then
            [ "$role" = "$to_role" ] || no "$part: it is not the receiver's"
        fi
        [ "$kind" != minute ] || [ "$role" = centre ] || no "$part: its sides do not fit"
        case $role in
        centre) [ "$agency" = "$centre" ] || no "$part: $agency is not the Centre" ;;
        department) [ "$agency" != "$centre" ] || no "$part: the Centre is no department" ;;
        *) no "$part: its sides cannot be read" ;;
        esac
        [ "$officer" != "~" ] || [ "$role" = department ] || [ "$kind" = settlement ] || no "$part: no officer is named"
        [ "$officer" = "~" ] && seals=record.p7s || seals=seal.p7s
        [ "$seals" = record.p7s ] && [ -e "$part/seal.p7s" ] && no "$part: one signature too many"
        [ -e "$part/$seals" ] || no "$part: a signature is missing"
    fi

    # 7. The signatures: the person's on the record, then the seal's on the person's.
    if [ -e "$part/record.json" ]; then
        signed "$part/record.json" "$part/record.p7s"
        if [ "$officer" != "~" ]; then
            [ "$role" = centre ] && whose=$department || whose="~"
            party "$part/record.p7s" officer "$agency" "$officer" "$whose"
        fi
    else
        record=$(cat "$part/record.sha256")
        openssl asn1parse -inform DER -in "$part/record.p7s" | grep -qi "HEX DUMP]:$record\$" ||
            no "$part/record.p7s signs another record"
        say "$part: content expired, its hash matches"
        doubt=${doubt:-"$part: without its content nobody can tell who had to sign it"}
    fi
    leaf=$record$(sha256 "$part/record.p7s")
    if [ -e "$part/seal.p7s" ]; then
        signed "$part/record.p7s" "$part/seal.p7s"
        leaf=$leaf$(sha256 "$part/seal.p7s")
    fi
    if [ -n "$agency" ]; then
        party "$part/$seals" seal "$agency" "~" "~"
        [ "$kind" != receipt ] || [ "$to" = "~" ] || party "$part/$seals" seal "$to" "~" "~"
    fi

    # 8. The way from the leaf to the root that was stamped.
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
    # 9. An answer names the handoff that it answers.
    [ -z "$handoff" ] || [ ! -e "$part/record.json" ] || grep -q "\"record\":\"$handoff\"" "$part/record.json" ||
        no "$part answers another handoff"
    handoff=${handoff:-$record}
    say "$part: signed by $agency ${officer#"~"}, in the log $log, not later than $stamp_of_part"
done

# 10. The package of a month: the book that its table names, and the Centre's seal over every file in it.
if [ -e package.json ]; then
    signed book.json book.p7s
    party book.p7s log "$log" "~" "~"
    book=$(sed -n 's/.*"root":"\([0-9a-f]*\)".*/\1/p' book.json)
    has_one book 01-settlement/record.json "\"$book\"" || no "book.json is not the book that the table names"
    if [ -e SHA256SUMS.tst ]; then stamped SHA256SUMS.p7s SHA256SUMS.tst; else as_of "$(date +%s)"; fi
    signed SHA256SUMS SHA256SUMS.p7s
    party SHA256SUMS.p7s seal "$centre" "~" "~"
    for word in answer.json transfer.json; do
        [ ! -e "$word" ] || say "$word: the Centre's word, under its seal; the department or the bank has not signed it"
    done
fi
[ -z "$doubt" ] || cannot "$doubt"
echo VALID
