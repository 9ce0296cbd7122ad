%% Distributed Erlang for the registry suite: three nodes, one of which registers names with `global`
%% or joins groups of `pg`, while the others look until they know all of them.
-module(registry_peer).
-export([start/0]).

start() ->
    [Seed, Kind] = init:get_plain_arguments(),
    case Kind of
        "pg" -> {ok, _} = pg:start_link();
        "global" -> ok
    end,
    join(list_to_atom(Seed)),
    wait(),
    %% Until global has agreed with all nodes on what there is.
    ok = global:sync(),
    say("{\"ready\":true}", []),
    obey(Kind).

join(Seed) when Seed =:= node() -> ok;
join(Seed) ->
    case net_adm:ping(Seed) of
        pong -> ok;
        pang -> timer:sleep(20), join(Seed)
    end.

wait() ->
    case length(nodes()) >= 2 of
        true -> ok;
        false -> timer:sleep(20), wait()
    end.

obey(Kind) ->
    case io:get_line("") of
        Line when is_list(Line) -> order(Kind, string:lexemes(Line, " \n")), obey(Kind);
        _ -> halt(0)
    end.

order(Kind, ["register", Text]) ->
    Count = list_to_integer(Text),
    Pids = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, Count)],
    Began = os:system_time(microsecond),
    register_all(Kind, Pids, 0),
    say("{\"beganUs\":~p,\"endedUs\":~p}", [Began, os:system_time(microsecond)]);
order(Kind, ["seen", Text]) ->
    seen(Kind, list_to_integer(Text)),
    say("{\"atUs\":~p}", [os:system_time(microsecond)]).

register_all(_, [], _) -> ok;
register_all("global", [Pid | Rest], N) ->
    yes = global:register_name({session, N}, Pid),
    register_all("global", Rest, N + 1);
register_all("pg", [Pid | Rest], N) ->
    ok = pg:join({session, N}, Pid),
    register_all("pg", Rest, N + 1).

seen(Kind, Count) ->
    case known(Kind) >= Count of
        true -> ok;
        false -> timer:sleep(1), seen(Kind, Count)
    end.

known("global") -> length(global:registered_names());
known("pg") -> length(pg:which_groups()).

say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).
