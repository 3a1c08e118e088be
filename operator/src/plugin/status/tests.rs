use jiff::Timestamp;

use super::{cannot_watch, colours::Colours, render::screen};
use crate::{
    crd::{ChatbotEnvironment, Colour},
    plugin::output::Palette,
};

const NOW: i64 = 1_700_000_100;

fn screen_of(status: &str) -> String {
    screen_with(status, &Colours::default())
}

fn screen_with(status: &str, colours: &Colours) -> String {
    let yaml = format!(
        "apiVersion: chatbot.platform/v1alpha1
kind: ChatbotEnvironment
metadata: {{name: prod, namespace: chat, generation: 3}}
spec: {{tier: prod, image: 'team/chatbot:1.5.0', secretRef: {{name: chatbot}}}}
{status}"
    );
    let environment: ChatbotEnvironment = serde_saphyr::from_str(&yaml).unwrap();
    screen(&environment, colours, Timestamp::from_second(NOW).unwrap(), Palette::default())
}

#[test]
fn an_environment_that_nobody_has_seen_says_so() {
    insta::assert_snapshot!(screen_of(""), @"
    prod  tier prod, namespace chat
      The operator has not seen it yet: see kubectl chatbot doctor
    ");
}

#[test]
fn a_release_on_its_way_shows_its_steps_and_the_next_step_of_a_person() {
    let status = "
status:
  observedGeneration: 3
  url: https://chat.example.org
  replicas: 3
  release:
    active: blue
    id: 0123456789
    image: team/chatbot:1.4.0
    schema: '20260101000000'
    phase: Promote
    candidate: {id: abcdef0123, colour: green, image: 'team/chatbot:1.5.0'}
    startedAt: 2023-11-14T22:13:20Z
    steps:
    - {name: Migrate, startedAt: '2023-11-14T22:13:20Z', finishedAt: '2023-11-14T22:13:24Z', outcome: Succeeded, message: 2 migrations applied}
    - {name: Promote, startedAt: '2023-11-14T22:13:30Z', outcome: Running, message: ''}
  services:
  - {name: postgresql, healthy: true}
  - {name: qdrant, healthy: false, message: connection refused}
  backups: {last: '2023-11-14T21:45:00Z', next: '2023-11-14T22:30:00Z', lastDrill: {at: '2023-11-12T04:00:00Z', restoreSeconds: 95, rows: 12000}}
  conditions:
  - {type: Ready, status: 'True', reason: ReleaseActive, message: release 0123456789 serves, lastTransitionTime: '2023-11-14T21:00:00Z'}
  - {type: Reconciling, status: 'True', reason: AwaitingPromotion, message: the candidate passed its checks, lastTransitionTime: '2023-11-14T22:13:30Z'}
";
    let blue = [(Colour::Blue, true); 3];
    let green = [(Colour::Green, true), (Colour::Green, true), (Colour::Green, false)];
    let colours = Colours::of(&[blue, green].concat(), &[(Colour::Blue, true); 2]);
    insta::assert_snapshot!(screen_with(status, &colours));
}

/// A release before that could not take the traffic must not be said to be ready for it.
#[test]
fn the_release_before_is_called_ready_only_while_at_least_half_of_its_servers_are_up() {
    let status = "
status:
  observedGeneration: 3
  release:
    active: green
    id: abcdef0123
    image: team/chatbot:1.5.0
    phase: Bake
    candidate: {id: abcdef0123, colour: green, image: 'team/chatbot:1.5.0'}
    previous: {id: '0123456789', colour: blue, image: 'team/chatbot:1.4.0'}
";
    let blue = |up: usize, of: usize| (0..of).map(|number| (Colour::Blue, number < up)).collect::<Vec<_>>();
    let table = [
        (Colours::of(&blue(3, 3), &[]), "1.4.0  ready to take the traffic back", "blue   ready    app 3/3 ready"),
        (Colours::of(&blue(2, 4), &[]), "1.4.0  ready to take the traffic back", "blue   ready    app 2/4 ready"),
        (
            Colours::of(&blue(1, 3), &[]),
            "1 of 3 up: not ready to take the traffic back",
            "blue   unready  app 1/3 ready",
        ),
        (
            Colours::of(&blue(0, 1), &[]),
            "0 of 1 up: not ready to take the traffic back",
            "blue   unready  app 0/1 ready",
        ),
        (Colours::of(&[], &[]), "no server is left: not ready to take the traffic back", "green  traffic  app none"),
        (Colours::default(), "not known whether it is ready to take the traffic back", "Phase      Bake"),
    ];
    for (colours, before, line) in table {
        let text = screen_with(status, &colours);
        assert!(text.contains(before) && text.contains(line), "{before}, {line}: {text}");
    }
}

#[test]
fn a_spec_that_was_not_seen_yet_is_pointed_out() {
    let text = screen_of("status: {observedGeneration: 2}");
    assert!(text.contains("has not seen the newest change"), "{text}");
    assert!(text.contains("not known yet"), "{text}");
}

#[test]
fn who_may_not_watch_is_told_so_and_what_happens_instead() {
    let forbidden = kube::core::Status::failure("chatbotenvironments is forbidden", "Forbidden").with_code(403);
    let error = kube::runtime::watcher::Error::WatchStartFailed(kube::Error::Api(forbidden.boxed()));
    let told = cannot_watch(&error);
    assert!(told.contains("chatbotenvironments is forbidden"), "{told}");
    assert!(told.ends_with("ask for the right to watch chatbotenvironments; asked again every 2 s instead"), "{told}");
    let told = cannot_watch(&kube::runtime::watcher::Error::NoResourceVersion);
    assert!(!told.contains("ask for the right"), "{told}");
}
