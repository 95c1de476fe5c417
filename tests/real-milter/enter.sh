#!/bin/sh
# Inside fresh namespaces: a network of its own, and private copies of the folders that MTAs write to under their real names.
# Then the program named by the arguments runs. Everything ends with the namespaces.
set -eu

ip link set lo up
for address in 192.0.2.25 192.0.2.10 192.0.2.11 192.0.2.12 203.0.113.66; do
    ip addr add "$address/32" dev lo
done
hostname mx.example.net

mount -t tmpfs -o mode=0755 tmpfs /mnt
cp -a /etc /mnt/etc
printf '127.0.0.1 localhost\n192.0.2.25 mx.example.net mx\n' >/mnt/etc/hosts
echo 'nameserver 127.0.0.1' >/mnt/etc/resolv.conf
# Nothing of the machine's own configuration, but for what Postfix's package puts beside it.
rm -rf /mnt/etc/mail /mnt/etc/postfix/main.cf /mnt/etc/postfix/master.cf
mkdir -p /mnt/etc/mail /mnt/etc/postfix/sasl /mnt/etc/sasl2
echo 'spf-milter:x:899:899::/nonexistent:/usr/sbin/nologin' >>/mnt/etc/passwd
echo 'spf-milter:x:899:' >>/mnt/etc/group
mount --bind /mnt/etc /etc

# A /dev of its own, so that /dev/log is ours.
mkdir -p /mnt/dev/shm
for node in null zero full random urandom tty; do
    : >"/mnt/dev/$node"
    mount --bind "/dev/$node" "/mnt/dev/$node"
done
ln -s /proc/self/fd /mnt/dev/fd
mount --rbind /mnt/dev /dev

mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /var/spool
mount -t tmpfs -o mode=0755 tmpfs /var/lib/postfix
mkdir -p /var/spool/postfix
# As the systemd unit makes it.
install -d -o spf-milter -g spf-milter -m 755 /run/spf-milter
chown postfix: /var/lib/postfix

exec "$@"
