import { isRootless } from '../rootless/user-namespace.ts';
import { NETWORK_SCRIPT } from './network-script.ts';

/**
 * System calls by their numbers, which differ between kinds of machines: mount, umount2, unshare, setns, inotify_init1,
 * inotify_add_watch.
 */
const CALLS: Readonly<Record<string, string>> = {
  x64: '165 166 272 308 294 254',
  arm64: '40 39 97 268 26 27',
};

/** In a user namespace, overlayfs keeps its notes in attributes of users. */
const OVERLAY = isRootless() ? 'volatile,userxattr' : 'volatile';

/** The first word of such scripts; undefined on machines whose numbers are not known. */
export const systemCalls = CALLS[process.arch];

/** What scripts of this library begin with; their first word is {@link systemCalls}. */
export const KERNEL_SCRIPT = String.raw`
my ($mount, $umount, $unshare, $setns, $inotify, $watch) = map { $_ + 0 } split / /, shift;

sub must { my ($what, $result) = @_; $result or die "$what: $!\n"; $result }
sub done { my ($number, @words) = @_; syscall($number, @words) == 0 }
sub kernel { my ($what, @call) = @_; must($what, done(@call)) }
sub opened { my ($path, $how) = @_; must($path, sysopen(my $file, $path, $how, 0600)); $file }
`;

/**
 * What makes the mounts of a container, and becomes its runtime. All mounts are made in a namespace that ends with the
 * container, so that nothing of them can be left behind. What the runtime is given for streams it may make the container's
 * own: its input is a pipe that has ended, not a device of this machine.
 *
 * Words of `mounted`: image of the disk or nothing, where the disk is mounted, lower layers, the root, and what is to be
 * hidden or nothing. Those of `become`: files to enter cgroups by, and the runtime with its words.
 */
export const MOUNT_SCRIPT = String.raw`${KERNEL_SCRIPT}${NETWORK_SCRIPT}
# Of the image only what is no hole (3 and 4: to the next data, to the next hole), and of that only what is not zero.
sub copied {
  my ($from, $path) = (opened($_[0], 0), $_[1]);
  my $to = opened($path, 0302);
  must($path, truncate $to, -s $from);
  for (my $at = 0; defined($at = sysseek $from, $at, 3);) {
    my $end = must($path, sysseek $from, $at, 4);
    sysseek $from, $at, 0;
    sysseek $to, $at, 0;
    while ($at < $end) {
      my $size = must($path, sysread $from, my $piece, $end - $at < 65536 ? $end - $at : 65536);
      if ($piece =~ /[^\0]/) { must($path, $size == (syswrite($to, $piece) || 0)) }
      else { sysseek $to, $size, 1 }
      $at += $size;
    }
  }
  $to
}

# A device that is free again when nothing is mounted from it. Others look for one at the same time (16: it is taken).
sub loop_device {
  my $file = fileno $_[0];
  my $control = opened('/dev/loop-control', 2);
  for (1 .. 100) {
    my $path = '/dev/loop' . (must('a loop device', ioctl $control, 0x4c82, 0) + 0);
    my $device = opened($path, 2);
    my $config = pack 'L x56 L x240', $file, 4;
    return ($path, $device) if ioctl $device, 0x4c0a, $config;
    $! == 16 or die "$path: $!\n";
  }
  die "no loop device is free\n";
}

sub mounted {
  my ($image, $disk, $place, $lower, $root, $hidden) = @_;
  kernel('a mount namespace', $unshare, 0x20000);
  kernel('a mount namespace', $mount, 'none', '/', 0, 0x84000, 0);
  if (length $image) {
    my ($path, $device) = loop_device(copied($image, $disk));
    kernel("mount: $place", $mount, $path, $place, 'ext4', 0x404, 'discard');
  }
  my $layers = "lowerdir=$lower,upperdir=$place/upper,workdir=$place/work,${OVERLAY}";
  kernel("mount: $root", $mount, 'overlay', $root, 'overlay', 4, $layers);
  kernel("hiding $hidden", $umount, $hidden, 2) if length $hidden;
}

sub become {
  my ($groups, @runtime) = @_;
  for my $group (split / /, $groups) { must($group, syswrite opened($group, 1), '0') }
  # A runtime that could be written to starts itself again from a copy; whether this has worked it sees for itself.
  done($mount, $runtime[0], $runtime[0], 0, 0x1000, 0);
  done($mount, 'none', $runtime[0], 0, 0x1021, 0);
  must('a pipe', pipe my $input, my $none);
  close $none;
  must('input', open STDIN, '<&', $input);
  exec { $runtime[0] } @runtime or die "$runtime[0]: $!\n";
}
`;
