/** What a container calls its side of the link. */
export const PRIVATE_LINK = 'private0';

/**
 * Perl, after {@link NETWORK_SCRIPT}: links a container with a private network's router. Words of `join_private`: the
 * process, and text of the namespace of the router, a number for the name of the link, the container's address and the
 * first 48 bits of all addresses of the network, both in hexadecimal digits, and the size of packets. The router is
 * fe80::1 on each link (2: nobody looks whether an address is taken).
 */
export const PRIVATE_LINK_SCRIPT = String.raw`
sub address6 { my ($index, $size, $own) = @_; pack('C4 L', 10, $size, 2, 0, $index) . attribute(1, $own) }
sub route6 {
  my ($index, $size, $to, $more) = @_;
  pack('C8 L', 10, $size, 0, 0, 254, 3, 0, 1, 0) . attribute(4, pack 'L', $index) . attribute(1, $to) . $more
}

sub join_private {
  my ($pid, $words) = @_;
  my ($router, $number, $own, $all, $most) = split / /, $words;
  my ($address, $network, $gateway) = (pack('H32', $own), pack('H12 x10', $all), pack 'H32', 'fe80' . '0' x 27 . '1');
  my $inside = opened("/proc/$pid/ns/net", 0);
  kernel($router, $setns, fileno opened($router, 0), 0);
  my $socket = netlink();
  my $size = attribute(4, pack 'L', $most);
  my ($link) = linked($socket, $number, $size, side('${PRIVATE_LINK}', 0, $size . attribute(28, pack 'L', fileno $inside)));
  my $index = index_of($socket, $link);
  up($socket, $link);
  must("address of $link", asked($socket, 20, address6($index, 64, $gateway)));
  must("route to $link", asked($socket, 24, route6($index, 128, $address, '')));
  kernel('network of the container', $setns, fileno $inside, 0);
  $socket = netlink();
  $index = index_of($socket, '${PRIVATE_LINK}');
  up($socket, '${PRIVATE_LINK}');
  must('address of ${PRIVATE_LINK}', asked($socket, 20, address6($index, 128, $address)));
  must('private network', asked($socket, 24, route6($index, 48, $network, attribute(5, $gateway))));
}
`;
