import { NETWORK_SCRIPT, LINK_PREFIX } from '../runc/network-script.ts';
import { KERNEL_SCRIPT } from '../runc/start-script.ts';
import { PRIVATE_LINK_SCRIPT } from './private-link-script.ts';

/** The device by which packets come from other workers and go there. */
const TUNNEL = 'tunnel';

/**
 * What the router lets through, and nothing else.
 *
 * Invariants
 *   P1. From a container comes what has the container's own address as its sender: the way back to it is the same link.
 *   P2. From the tunnel comes what is for a container of this worker, never in the name of one of its own.
 *   P3. What goes on is from the network, and for the network. The router itself answers nothing but who it is on a link.
 */
const RULES = String.raw`
table inet gantry {
  chain prerouting {
    type filter hook prerouting priority raw; policy drop;
    meta nfproto ipv6 iifname "${LINK_PREFIX}*" fib saddr . iif oif exists accept
    meta nfproto ipv6 iifname "${TUNNEL}" ip6 saddr != $own ip6 daddr $own accept
  }
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "${LINK_PREFIX}*" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ip6 saddr $all ip6 daddr $all accept
  }
  chain output {
    type filter hook output priority 0;
    oifname "${TUNNEL}" ip6 daddr != $all drop
  }
}
`;

/**
 * Perl: a network namespace in which the packets of containers of this worker are routed to each other, and those for other
 * workers come out of the standard output, one after the other; what comes into the standard input is from those. IPv6
 * packets say themselves how long they are. It ends when its input does, and the namespace with it, unless containers keep
 * that; their links are gone even then.
 *
 * Its words: numbers of system calls, the addresses of the network and of this worker, both as 32 hexadecimal digits, and
 * the size of packets. It says `ready` over file 3, or ends with a reason.
 */
export const PRIVATE_ROUTER_SCRIPT = String.raw`${KERNEL_SCRIPT}${NETWORK_SCRIPT}${PRIVATE_LINK_SCRIPT}
my ($network, $worker, $most) = @ARGV;

sub prefix { my ($digits, $size) = @_; join(':', unpack '(A4)8', $digits) . "/$size" }
sub set { my ($name, $value) = @_; my $path = "/proc/sys/net/ipv6/conf/$name"; must($path, syswrite opened($path, 1), $value) }

kernel('a network namespace', $unshare, 0x40000000);
set('all/forwarding', 1);
# 1: no address that nobody has asked for.
set('default/addr_gen_mode', 1);
my $rules = '${RULES}';
$rules =~ s/\$all/prefix($network, 48)/ge;
$rules =~ s/\$own/prefix($worker, 80)/ge;
must('nft', open my $nft, '|-', 'nft', '-f', '-');
print $nft $rules;
close $nft or die "the rules of the private network were refused by nft\n";

# 0x802: to be read without waiting. 0x1001: a device of packets, with nothing before them.
my $tunnel = opened('/dev/net/tun', 0x802);
my $device = pack 'a16 S x22', '${TUNNEL}', 0x1001;
must('/dev/net/tun', ioctl $tunnel, 0x400454ca, $device);
my $socket = netlink();
my $size = pack 'a16 i x20', '${TUNNEL}', $most;
must('${TUNNEL}', ioctl $socket, 0x8922, $size);
# How many packets wait at most; an ordinary user may not change the 500 that it is otherwise.
ioctl $socket, 0x8943, my $length = pack 'a16 i x20', '${TUNNEL}', 64;
up($socket, $_) for 'lo', '${TUNNEL}';
my $index = index_of($socket, '${TUNNEL}');
# What it says of packets that reach nobody has this for a sender: number 0 is no container.
must('address of ${TUNNEL}', asked($socket, 20, address6($index, 128, pack 'H32', $worker)));
must('way to other workers', asked($socket, 24, route6($index, 48, pack('H32', $network), '')));
my $nowhere = pack('C8 L', 10, 80, 0, 0, 254, 3, 0, 7, 0) . attribute(1, pack 'H32', $worker);
must('addresses of nobody', asked($socket, 24, $nowhere));

must('a report', open my $report, '>&=', 3);
print $report 'ready';
close $report;

sub send_all {
  my ($bytes) = @_;
  while (length $bytes) { substr $bytes, 0, (syswrite(STDOUT, $bytes) // exit), '' }
}

my ($from_others, $waits) = ('', '');
vec($waits, 0, 1) = vec($waits, fileno $tunnel, 1) = 1;
for (;;) {
  next unless select(my $ready = $waits, undef, undef, undef) > 0;
  if (vec $ready, fileno $tunnel, 1) {
    my $packets = '';
    while (length $packets < 262144 && sysread $tunnel, my $packet, 65536) {
      $packets .= $packet if ord($packet) >> 4 == 6;
    }
    send_all($packets);
  }
  next unless vec $ready, 0, 1;
  sysread STDIN, $from_others, 262144, length $from_others or exit;
  while (length $from_others >= 40) {
    my $size = 40 + unpack 'x4 n', $from_others;
    last if length $from_others < $size;
    # What the device does not take is lost, as in any network.
    syswrite $tunnel, substr $from_others, 0, $size, '';
  }
}
`;
