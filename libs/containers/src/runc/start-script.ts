import { isRootless } from '../rootless/user-namespace.ts';
import { NETWORK_SCRIPT } from './network-script.ts';

/** System calls by their numbers, which differ between kinds of machines: mount, umount2, unshare, setns. */
const CALLS: Readonly<Record<string, string>> = { x64: '165 166 272 308', arm64: '40 39 97 268' };

/** In a user namespace, overlayfs keeps its notes in attributes of users. */
const OVERLAY = isRootless() ? 'volatile,userxattr' : 'volatile';

/** The first word of {@link START_SCRIPT}; undefined on machines whose numbers are not known. */
export const systemCalls = CALLS[process.arch];

/** What such scripts begin with; their first word is {@link systemCalls}. */
export const KERNEL_SCRIPT = String.raw`
my ($mount, $umount, $unshare, $setns) = map { $_ + 0 } split / /, shift;

sub must { my ($what, $result) = @_; $result or die "$what: $!\n"; $result }
sub done { my ($number, @words) = @_; syscall($number, @words) == 0 }
sub kernel { my ($what, @call) = @_; must($what, done(@call)) }
sub opened { my ($path, $how) = @_; must($path, sysopen(my $file, $path, $how, 0600)); $file }
`;

/** The mounts of a container: what {@link START_SCRIPT} begins with, in a mount namespace that ends with it. */
export const MOUNT_SCRIPT = String.raw`${KERNEL_SCRIPT}${NETWORK_SCRIPT}
my ($image, $place, $lower, $root, $hidden, $groups, $router, $network, $pid_file, @runtime) = @ARGV;

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

kernel('a mount namespace', $unshare, 0x20000);
kernel('a mount namespace', $mount, 'none', '/', 0, 0x84000, 0);
if (length $image) {
  my ($path, $device) = loop_device(copied($image, "$place.img"));
  kernel("mount: $place", $mount, $path, $place, 'ext4', 0x404, 'discard');
}
my $layers = "lowerdir=$lower,upperdir=$place/upper,workdir=$place/work,${OVERLAY}";
kernel("mount: $root", $mount, 'overlay', $root, 'overlay', 4, $layers);
kernel("hiding $hidden", $umount, $hidden, 2) if length $hidden;
`;

/** What it ends in: it becomes the runtime. */
export const RUN_SCRIPT = String.raw`
for my $group (split / /, $groups) { must($group, syswrite opened($group, 1), '0') }
# A runtime that could be written to starts itself again from a copy; whether this has worked it sees for itself.
done($mount, $runtime[0], $runtime[0], 0, 0x1000, 0);
done($mount, 'none', $runtime[0], 0, 0x1021, 0);
must('a pipe', pipe my $input, my $none);
close $none;
must('input', open STDIN, '<&', $input);
exec { $runtime[0] } @runtime or die "$runtime[0]: $!\n";
`;

/**
 * One program instead of a dozen that start one another (`unshare`, shells, `cp`, `mount`, `umount`, `ip`, `nsenter`):
 * most of what those cost is their own start. Perl is in every Debian, and can make system calls by their numbers.
 *
 * Its words: numbers of system calls, image of the disk or nothing, where the disk is mounted, lower layers, the root,
 * what is to be hidden or nothing, files to enter cgroups by, the namespace where packets are routed and the number of
 * the network (nothing for none), the file in which the runtime says which process it has started, and the runtime with
 * its words, which it becomes.
 *
 * All mounts are made in a namespace that ends with the container, so that nothing of them can be left behind. What the
 * runtime is given for streams it may make the container's own: its input is a pipe that has ended, not a device of this
 * machine.
 *
 * A second process of it waits until the container runs, gives it its network, and says over file 4 which its processes
 * are: the first and the runner, and what went wrong with the network, if anything did. It ends without a word when the
 * runtime does.
 */
export const START_SCRIPT = String.raw`${MOUNT_SCRIPT}
sub number_in {
  my ($path) = @_;
  open my $file, '<', $path or return 0;
  (<$file> // '') =~ /^(\d+)/ ? $1 : 0
}

# The runtime may wait for all its children, this one among them: so it ends when the container does, too.
sub tell_of_start {
  my ($report, $runtime) = @_;
  my ($init, $runner);
  until ($runner) {
    exit if getppid != $runtime || $init && !-e "/proc/$init";
    select undef, undef, undef, 0.002;
    $init ||= number_in($pid_file);
    $runner = $init && number_in("/proc/$init/task/$init/children");
  }
  eval { attach($router, $init, $network) } if length $network;
  print $report "$init $runner $@";
  exit;
}

must('a report', open my $report, '>&=', 4);
my $self = $$;
must('a second process', defined(my $second = fork));
tell_of_start($report, $self) unless $second;
close $report;
${RUN_SCRIPT}`;
