#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In the guest: frames by DPDK from a card behind an IOMMU; control by libaravis through the kernel. What
# tests/integration/dpdk_guest.sh boots; from there come $PMDS, where DPDK looks for its drivers, $FRAMES
# and $SEED.
#
#   namespace "camera"                                   the guest's own
#   gvcam 10.9.0.2 ── card A ══ hub ══ card B ── vfio-pci ── DPDK ── tap sallyport0 10.9.0.1 ── libaravis
set -u
note() { echo "# $(cut -d' ' -f1 /proc/uptime) s: $*"; }
fail() {
	echo "not ok $1: $2"
	exit 1
}
# Cards of the model that qemu emulates (virtio, network), in the order of their addresses.
cards=$(for device in /sys/bus/pci/devices/*; do
	[ "$(cat "$device/vendor"):$(cat "$device/device")" = 0x1af4:0x1041 ] && basename "$device"
done)
# shellcheck disable=SC2086 # words
set -- $cards
[ $# = 2 ] || fail guest_cards "these: $cards"
a=$1 b=$2
modprobe virtio_pci && modprobe virtio_net && modprobe tun || fail guest_modules "above"
# Explicitly: nothing asks for it, and without it there is no container.
modprobe vfio_iommu_type1 && modprobe vfio-pci || fail guest_modules "above"

# Card B goes to vfio-pci, in an IOMMU group of its own.
echo vfio-pci >"/sys/bus/pci/devices/$b/driver_override"
[ ! -e "/sys/bus/pci/devices/$b/driver" ] || echo "$b" >"/sys/bus/pci/devices/$b/driver/unbind"
echo "$b" >/sys/bus/pci/drivers_probe
driver=$(basename "$(readlink -f "/sys/bus/pci/devices/$b/driver")")
group=$(basename "$(readlink -f "/sys/bus/pci/devices/$b/iommu_group")")
[ "$driver" = vfio-pci ] && [ -e "/dev/vfio/$group" ] || fail guest_vfio "driver $driver, group $group"
[ ! -e "/sys/kernel/iommu_groups/$group/name" ] || [ "$(cat "/sys/kernel/iommu_groups/$group/name")" != vfio-noiommu ] ||
	fail guest_vfio "group $group has no IOMMU"
note "card $b: $driver, IOMMU group $group of $(ls /sys/kernel/iommu_groups | wc -l)"

# Card A goes to the camera. Both ends know each other's address: DPDK answers no ARP by itself.
interface=$(ls "/sys/bus/pci/devices/$a"/virtio*/net | head -n 1)
unshare -n sleep 3600 &
namespace=$!
camera() { nsenter -t $namespace -n "$@"; }
while [ "$(readlink /proc/$namespace/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do usleep 10000; done
ip link set "$interface" netns $namespace || fail guest_namespace "above"
camera ip link set lo up
camera ip addr add 10.9.0.2/24 dev "$interface"
camera ip link set "$interface" up
# EAL loads what is in this folder and named *.so; links, since a copy would be a second driver.
mkdir -p "$PMDS"
for driver in bus_pci bus_vdev mempool_ring net_virtio net_tap; do
	ln -s "${PMDS%/dpdk/*}/librte_$driver".so.* "$PMDS/librte_$driver.so" || fail guest_drivers "above"
done
camera gvcam --address 10.9.0.2 --pattern --fps 10 --width 640 --height 480 --seed "$SEED" >/tmp/gvcam.log 2>&1 &
gvcam=$!

# The exception path's device as docs/capture.md has it; busybox' ip makes none.
iproute2 tuntap add dev sallyport0 mode tap multi_queue || fail guest_tap "above"
ip addr add 10.9.0.1/24 dev sallyport0
ip link set sallyport0 up

note "receiving $FRAMES frames"
farm --source dpdk --address 10.9.0.2 --host-address 10.9.0.1 --frames "$FRAMES" --protect --patience 90 \
	--port "$b" --exception net_tap0 \
	--eal=-a --eal="$b" --eal=--vdev=net_tap0,iface=sallyport0 \
	>/tmp/farm.json 2>/tmp/farm.log
status=$?
cat /tmp/farm.json
if [ $status != 0 ]; then
	cat /tmp/farm.log /tmp/gvcam.log
	dmesg | tail -n 5
	camera ip neigh
fi
kill $gvcam $namespace
note "done"
exit $status
