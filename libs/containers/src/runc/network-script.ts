/** Network interfaces of the machine that lead to containers start so. */
export const LINK_PREFIX = 'gtry-';
/** Containers have addresses of 10.203.0.0/16, each its own on a link of its own. */
export const SUBNET = [10, 203] as const;
/** What every container calls the machine; it routes, and answers nothing itself. */
const GATEWAY = [169, 254, 1, 1] as const;
/**
 * The machine's end of each link, which containers know beforehand: so it needs no address to answer by. Browsers give up
 * whatever they load when their machine gets an address.
 */
const GATEWAY_LINK = 'eeeeeeeeeeee';

/**
 * For {@link START_SCRIPT}: gives the container of a process a way out, as four starts of programs would (`ip` here,
 * `nsenter` and `ip` in the container, and a shell for both). What these say to the kernel are six messages of rtnetlink,
 * each a header and attributes as numbers and bytes; the kernel confirms each.
 *
 * Words of `attach`: the network namespace in which packets are routed, or nothing for this one; the process; a number,
 * which makes the name and the address. There cannot be two links of a name: where there is one, the next number is taken.
 */
export const NETWORK_SCRIPT = String.raw`
sub netlink { must('netlink', socket(my $socket, 16, 3, 0)); $socket }

# 0x605: a request to make what is not there yet, and to say whether that went well.
sub asked {
  my ($socket, $kind, $content) = @_;
  my $message = pack('L S2 L2', 16 + length $content, $kind, 0x605, 1, 0) . $content;
  defined send $socket, $message, 0, pack('S2 L2', 16, 0, 0, 0) or return 0;
  defined sysread $socket, my $answer, 8192 or return 0;
  ($! = -unpack 'x16 l', $answer) == 0
}

sub attribute {
  my ($kind, $content) = @_;
  my $size = 4 + length $content;
  pack('S2', $size, $kind) . $content . "\0" x (-$size & 3)
}

sub side { my ($name, $up, $more) = @_; pack('x8 L2', $up, $up) . attribute(3, "$name\0") . $more }
sub address { my ($index, $own) = @_; pack('C4 L', 2, 32, 0, 0, $index) . attribute(2, $own) . attribute(1, $own) }

# 254 and 3: of the main table, as a person would make it. Scopes: 253 what is on the link itself, 0 all else.
sub route {
  my ($index, $size, $scope, $more) = @_;
  pack('C8 L', 2, $size, 0, 0, 254, 3, $scope, 1, 0) . attribute(4, pack 'L', $index) . $more
}

sub index_of {
  my ($socket, $name) = @_;
  my $words = pack 'a16 x24', $name;
  must($name, ioctl $socket, 0x8933, $words);
  unpack 'x16 L', $words
}

sub up {
  my ($socket, $name) = @_;
  my $words = pack 'a16 S x22', $name, 0x1001;
  must($name, ioctl $socket, 0x8914, $words)
}

# 0x80: known for good.
sub neighbour {
  my ($index, $own, $link) = @_;
  pack('C x3 l S x2', 2, $index, 0x80) . attribute(1, $own) . attribute(2, $link)
}

# The kernel gives each link an address of IPv6 when it is up.
sub without_address {
  my ($link) = @_;
  sysopen my $file, "/proc/sys/net/ipv6/conf/$link/disable_ipv6", 1 or return;
  syswrite $file, '1'
}

# A pair of which this side has a name by a number, or by one that is free.
sub linked {
  my ($socket, $number, $more, $peer) = @_;
  for (my $tries = 8; ; $number++) {
    my $link = sprintf '${LINK_PREFIX}%04x', $number;
    my $kind = attribute(18, attribute(1, 'veth') . attribute(2, attribute(1, $peer)));
    return ($link, $number) if asked($socket, 16, side($link, 0, $more . $kind));
    $! == 17 && --$tries or die "$link: $!\n";
  }
}

sub attach {
  my ($router, $pid, $number) = @_;
  my $inside = opened("/proc/$pid/ns/net", 0);
  kernel($router, $setns, fileno opened($router, 0), 0) if length $router;
  my $socket = netlink();
  my $peer = side('eth0', 0, attribute(28, pack 'L', fileno $inside));
  my $machine = pack 'H12', '${GATEWAY_LINK}';
  (my $link, $number) = linked($socket, $number, attribute(1, $machine), $peer);
  my $address = pack 'C4', ${SUBNET.join(', ')}, $number >> 8, $number & 255;
  my $gateway = pack 'C4', ${GATEWAY.join(', ')};
  my $index = index_of($socket, $link);
  without_address($link);
  up($socket, $link);
  must("route to $link", asked($socket, 24, route($index, 32, 253, attribute(1, $address))));
  kernel('network of the container', $setns, fileno $inside, 0);
  $socket = netlink();
  $index = index_of($socket, 'eth0');
  up($socket, 'eth0');
  must('neighbour of eth0', asked($socket, 28, neighbour($index, $gateway, $machine)));
  must('address of eth0', asked($socket, 20, address($index, $address)));
  must('route to the machine', asked($socket, 24, route($index, 32, 253, attribute(1, $gateway))));
  must('way out', asked($socket, 24, route($index, 0, 0, attribute(5, $gateway))));
}
`;
