#!/bin/sh
# Gives Parlour the certificate that certbot has got, for QUIC and WebTransport, which no proxy carries. Into
# /etc/letsencrypt/renewal-hooks/deploy/parlour, executable. Parlour reads the files again within a second; between
# the two of them the former certificate stays in use.
set -eu

to=/etc/parlour/tls
install -d -o root -g parlour -m 0750 "$to"
install -o root -g parlour -m 0640 "$RENEWED_LINEAGE/fullchain.pem" "$to/fullchain.pem"
install -o root -g parlour -m 0640 "$RENEWED_LINEAGE/privkey.pem" "$to/privkey.pem"
