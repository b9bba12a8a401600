# MadKV: every command of the project, by module. `just` lists, `just tree` shows modules too.
#
# A recipe only names its parameters; what it does is in tools/, so that it can be read, checked
# and tested without just. Parameters reach the scripts as "$@" (positional-arguments), never by
# pasting them into a shell line.

set positional-arguments

mod p1 'tools/just/p1.just'
mod p2 'tools/just/p2.just'
mod p3 'tools/just/p3.just'
mod cluster 'tools/just/cluster.just'
mod utils 'tools/just/utils.just'

[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list

# show every recipe, the modules' too
tree:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --list-submodules

# install what is missing to build and test (quick and silent when nothing is)
[no-exit-message]
deps:
    @exec tools/deps test

# build what is stale: rel (release), debug, asan, tsan or clang, under .build/
[no-exit-message]
build kind='rel' *rest:
    @exec tools/build "$@"

# run all tests
[no-exit-message]
test *args:
    @exec tests/run "$@"

# live a thousand cluster lives, or one again, from its seed, with the transcript of who said what
[no-exit-message]
sim seed='':
    @tools/build rel
    @exec tests/sim/run "$@"

# live 50,000 cluster lives, on all cores
[no-exit-message]
sim-nightly:
    @tools/build rel
    @exec tests/sim/run --nightly

# break the protocol in one place at a time and see that the tests notice
[no-exit-message]
mutants *args:
    @exec tests/mutants/run "$@"

# show how much of the code the unit tests and the simulator run, and every line of smr/ that nothing runs
[no-exit-message]
coverage *args:
    @exec tools/coverage "$@"

# kill a leader under a stream of writes and watch the stream go on
[no-exit-message]
demo *args:
    @tools/build rel
    @exec tools/demo "$@"

# break a cluster on purpose: leader, followers, rolling, pause, partition, oneway, managers, unmanaged, storm, or all
[no-exit-message]
chaos plan='' rf='3' *rest:
    @tools/build rel
    @exec tools/chaos "$@"

# 1, 10 and 100 clients at rf 1 and 3 in about a minute, next to the machine's own limits
[no-exit-message]
bench-quick *args:
    @tools/build rel
    @exec tools/measure quick "$@"

# the README's table of figures as markdown: rf 1, 3, 5, workloads A, C and W, 1 to 100 clients
[no-exit-message]
bench-table seconds='5' runs='3' *rest:
    @tools/build rel
    @exec tools/measure table "$@"

# MultiPaxos and chains side by side as markdown: writes, reads, latencies, bytes sent, more replicas
[no-exit-message]
bench-protocols seconds='5' *rest:
    @tools/build rel
    @exec tools/measure protocols "$@"

# compare two builds side by side: git revisions (built first) or build directories
[no-exit-message]
bench-regress a='' b='' rounds='5' seconds='2' *rest:
    @tools/build rel
    @exec tools/measure regress "$@"

# where the time goes: perf's report, folded stacks, time per stage; in .build/profile/
[no-exit-message]
profile wload='a' nclis='10' rf='3' *rest:
    @tools/build rel
    @exec tools/measure profile "$@"

# kill, stop, restart and wipe the nodes of a cluster at random under load, then judge it; --seed N repeats
[no-exit-message]
torment seconds='600' rf='3' *args:
    @tools/build rel
    @exec tools/torment "$@"

# ten minutes of torment and 300 deaths of everything, at rf 3 and at rf 5
[no-exit-message]
torment-nightly *args:
    @tools/build rel
    @exec tools/torment nightly "$@"

# measure restarts, catch-up, the dip while a checkpoint is written, and disk use
[no-exit-message]
bench-recovery records='10000,1000000' *args:
    @tools/build rel
    @exec tools/recovery "$@"

# remove the build directories (never data)
[no-exit-message]
clean:
    @exec tools/build --clean

# start a local cluster in the background, or what is missing of it (3 managers, 2 partitions, rf 3)
[no-exit-message]
up managers='' partitions='' rf='' *rest:
    @tools/build rel
    @exec tools/cluster up "$@"

# show the local cluster's state; exits 0 healthy, 5 not
[no-exit-message]
status:
    @exec tools/cluster status

# watch the local cluster on a full screen; `?` there explains the keys (flags: --stat, --events, ...)
[no-exit-message]
monitor *args:
    @exec tools/cluster monitor "$@"

# look at the directory of a server or manager that is not running, and check every checksum in it
[no-exit-message]
inspect dir *args:
    @tools/build rel
    @exec .build/rel/tools/inspect/madkv-inspect "$@"

# stop the local cluster and keep its data (`just down --wipe`: remove it too)
[no-exit-message]
down *args:
    @exec tools/cluster down "$@"

# stop the local cluster and remove its data and ports
[no-exit-message]
wipe:
    @exec tools/cluster down --wipe
