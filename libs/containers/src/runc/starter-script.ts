import { PRIVATE_LINK_SCRIPT } from '../private/private-link-script.ts';
import { MOUNT_SCRIPT } from './start-script.ts';

/**
 * A program that starts containers, one for each message on its input, and says on its output what becomes of them. It is
 * small, so the copies of itself that it makes cost little, and what they run is compiled already: a program started for
 * each container would be loaded and compiled each time, and copied from a worker that is ten times as large.
 *
 * Its words: numbers of system calls, and the socket of the worker. A message is its size in bytes, a line's end, and words
 * with a zero byte between them: the number of the start, paths of what is to be standard output and error, the namespace
 * where packets are routed and the number of the network (nothing for none), the words of `join_private` (nothing for none),
 * the file in which the runtime says which process it has started, files to enter cgroups by, the words of `mounted`, and the
 * runtime with its words.
 *
 * For each start it makes two processes. The first connects to the socket, says there which start it is, makes the mounts
 * and becomes the runtime, with the connection as file 3. The second moves the first one to the first of its groups
 * meanwhile, which takes no work but ten milliseconds: the kernel waits until all its processors have heard of it. The other
 * groups then take no time, and the first enters them itself: in that of devices it could make no mounts. The second
 * waits until the container runs, and gives it its network. What is said, a line each:
 *
 *   runs NUMBER INIT RUNNER PROBLEM   its processes, and what went wrong with its network, if anything did
 *   failed NUMBER PROBLEM             nobody will know whether it runs
 *   ended NUMBER STATUS               of the runtime, as `wait` has it
 *
 * It ends with its input. Whoever has lost it knows no more how its containers end.
 */
export const STARTER_SCRIPT = String.raw`${MOUNT_SCRIPT}${PRIVATE_LINK_SCRIPT}
my ($socket) = @ARGV;
# Holds the number 3 until a first process needs it.
my $third = opened('/dev/null', 0);
my %processes;

sub said {
  my $line = join ' ', @_;
  $line =~ tr/\n/ /;
  syswrite STDOUT, "$line\n";
}

# A copy of this program that does something and ends. 434 is pidfd_open, on every kind of machine: the file can be read
# from when the process has ended.
sub forked {
  my ($start, $what) = @_;
  must('a process', defined(my $pid = fork));
  unless ($pid) {
    eval { $what->() };
    print STDERR $@;
    exit 1;
  }
  must('a process', (my $end = syscall 434, $pid, 0) >= 0);
  must('a process', open my $file, '<&=', $end);
  $processes{$pid} = { start => $start, end => $file };
  $pid
}

sub first {
  my ($start, $out, $err, $entered, $groups, @words) = @_;
  setpgrp;
  must($err, open STDERR, '>', $err);
  must($out, open STDOUT, '>', $out);
  close $third;
  $^F = 3;
  must($socket, socket $third, 1, 1, 0);
  must('file 3', fileno $third == 3);
  must($socket, connect $third, pack 'S a*', 1, "$socket\0");
  syswrite $third, "$start\n";
  mounted(splice @words, 0, 6);
  # Else the second process says why.
  sysread $entered, my $sign, 1 or exit 1;
  become($groups, @words);
}

sub number_in {
  my ($path) = @_;
  open my $file, '<', $path or return 0;
  (<$file> // '') =~ /^(\d+)/ ? $1 : 0
}

# Waits until a file is written, or gets its name when it is (0x88).
sub written {
  my ($path) = @_;
  my ($folder) = $path =~ m{(.*)/};
  must('inotify', (my $number = syscall $inotify, 0) >= 0);
  must('inotify', open my $events, '<&=', $number);
  must($folder, syscall($watch, $number, $folder, 0x88) >= 0);
  my $number_in_it;
  sysread $events, my $event, 4096 until $number_in_it = number_in($path);
  $number_in_it
}

sub second {
  my ($start, $router, $network, $private, $pid_file, $enter, $first, $group) = @_;
  close STDIN;
  must($group, syswrite opened($group, 1), $first) if length $group;
  syswrite $enter, '1';
  my $init = written($pid_file);
  my $runner;
  # Its first process has begun, and starts the runner at once.
  until ($runner = number_in("/proc/$init/task/$init/children")) {
    exit 1 unless -e "/proc/$init";
    select undef, undef, undef, 0.002;
  }
  eval {
    attach($router, $init, $network) if length $network;
    join_private($init, $private) if length $private;
  };
  said('runs', $start, $init, $runner, $@);
  exit 0;
}

sub start {
  my ($start, $out, $err, $router, $network, $private, $pid_file, $groups, @words) = @_;
  my ($early, $later) = split / /, $groups, 2;
  must('a pipe', pipe my $entered, my $enter);
  my $first = forked($start, sub {
    close $enter;
    first($start, $out, $err, $entered, $later // '', @words);
  });
  my $second = eval { forked($start, sub {
    eval { second($start, $router, $network, $private, $pid_file, $enter, $first, $early // '') };
    said('failed', $start, $@);
  }) };
  $processes{$first}{second} = $second // 0;
  return if $second;
  kill 'KILL', $first;
  die $@;
}

sub reaped {
  my ($pid) = @_;
  waitpid $pid, 0;
  my $status = $?;
  my $process = delete $processes{$pid};
  my $second = $process->{second};
  if (defined $second) {
    kill 'KILL', $second if $processes{$second};
    said('ended', $process->{start}, $status);
  } elsif ($status) {
    said('failed', $process->{start}, 'what waits for it was ended');
  }
}

for (my $input = '';;) {
  my $files = '';
  vec($files, $_, 1) = 1 for 0, map { fileno $_->{end} } values %processes;
  next if select($files, undef, undef, undef) < 1;
  reaped($_) for grep { vec $files, fileno $processes{$_}{end}, 1 } keys %processes;
  next unless vec $files, 0, 1;
  sysread STDIN, $input, 65536, length $input or exit;
  while ($input =~ /^(\d+)\n/ && length $input >= $+[0] + $1) {
    my ($from, $size) = ($+[0], $1);
    my @words = split /\0/, substr($input, $from, $size), -1;
    $input = substr $input, $from + $size;
    eval { start(@words); 1 } or said('failed', $words[0], $@);
  }
}
`;
