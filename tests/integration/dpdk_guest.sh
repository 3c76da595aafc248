#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A card behind an IOMMU, without one: a guest of qemu with two virtual network cards on a hub. gvcam sends
# by the kernel and card A, the dpdk source receives through vfio-pci from card B. Above 10,000 packets:
# each payload in the source's region, each byte as gvcam drew it, while the CPU may not write to that
# region: what is there was put there by the card. Control goes over the exception path.
# tests/guest/dpdk.sh is the guest's side.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
farm=$build/tests/integration/farm
guest=${SP_GUEST:-build/guest}
frames=60 # of 210 packets
seed=${SP_SEED:-1}
leave() { skip dpdk_guest "$1"; exit 0; }

case $build in *asan* | *tsan*) leave "sanitizers are too slow for an emulated processor" ;; esac
[ "$(uname -m)" = x86_64 ] || leave "the emulated IOMMU is that of x86_64"
for program in qemu-system-x86_64 busybox cpio zstd modprobe; do
	command -v $program >/dev/null || [ -x /sbin/$program ] || leave "$program is absent (tools/setup --guest)"
done
drivers=$(echo /usr/lib/*/dpdk/pmds-*)
libraries=${drivers%/dpdk/*}
[ -d "$drivers" ] || leave "DPDK's drivers are absent (tools/setup)"
for file in "$farm" "$gvcam"; do
	[ -x "$file" ] || { not_ok dpdk_guest "$file is not built (make all helpers)"; exit 1; }
done
! "$farm" --source dpdk 2>&1 | grep -q 'built without DPDK' || leave "built without DPDK"
work=$(mktemp -d)
kernel=$(tests/guest/kernel "$guest" 2>"$work/kernel") || leave "$(cat "$work/kernel")"

pack=("$farm=/bin/farm" "$gvcam=/bin/gvcam" "$(command -v ip)=/bin/iproute2")
for driver in bus_pci bus_vdev mempool_ring net_virtio net_tap; do
	# By its soname, as the others ask for it: librte_bus_pci.so.23.
	pack+=("$(printf '%s\n' "$libraries/librte_$driver".so.* | head -n 1)")
done
tests/guest/initramfs "$work/initramfs" "$kernel" tests/guest/dpdk.sh \
	virtio_pci virtio_net tun vfio_iommu_type1 vfio-pci -- "${pack[@]}" ||
	{ not_ok dpdk_guest "no initramfs"; exit 1; }
# A device that the IOMMU stands in front of: its addresses are translated, what is not mapped is refused. 48
# bits as servers have them: the card sees our memory at our own addresses, which need 47.
card=iommu_platform=on,ats=on,disable-legacy=on,disable-modern=off
tests/guest/boot -t 150 -m 1280M \
	-a "intel_iommu=on iommu=pt hugepages=128 PMDS=$drivers FRAMES=$frames SEED=$seed" "$kernel" "$work/initramfs" \
	-device intel-iommu,intremap=on,device-iotlb=on,aw-bits=48 \
	-netdev hubport,id=a,hubid=0 -device "virtio-net-pci,netdev=a,mac=52:54:00:00:00:01,$card" \
	-netdev hubport,id=b,hubid=0 -device "virtio-net-pci,netdev=b,mac=52:54:00:00:00:02,$card" \
	>"$work/console" 2>&1
status=$?
cat "$work/console"
[ $status = 0 ] || { not_ok dpdk_guest "exit status $status of the guest, seed $seed"; exit 1; }
grep '^{' "$work/console" >"$work/farm.json"
expect() { # NAME CONDITION-OF-r
	local why
	why=$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
if not eval(sys.argv[2]): print(sys.argv[2], "with", r)' "$work/farm.json" "$2" 2>&1)
	if [ -z "$why" ]; then ok "$1"; else not_ok "$1" "$why"; fi
}
expect dpdk_guest_receives_10000_packets "r['delivered'] >= 10000 and r['frames_complete'] >= $frames"
expect dpdk_guest_payloads_are_in_the_region "r['payloads_in_region'] == r['delivered']"
expect dpdk_guest_copies_nothing "r['region_read_only']"
expect dpdk_guest_takes_no_memory "r['allocations'] == 0"
[ $failed = 0 ]
