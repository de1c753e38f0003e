//! Tests of the tables in the module's documentation, row by row.

use std::time::Duration;

use super::*;

const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

fn answer(status: u16, body: &str) -> Exchange {
    Exchange::Answer(Answer { status, body: body.into(), ..Answer::default() })
}

fn submit(exchange: &Exchange) -> SubmitOutcome {
    of_submit(exchange, Timestamp::UNIX_EPOCH)
}

fn poll(exchange: &Exchange) -> PollOutcome {
    of_poll(exchange, &PredictionId::new(ID).unwrap(), Timestamp::UNIX_EPOCH)
}

fn in_progress() -> PollOutcome {
    PollOutcome::InProgress { unknown_status: None }
}

#[test]
fn an_answer_with_an_id_is_accepted_even_if_other_fields_are_missing() {
    let documented = format!(r#"{{"id":"{ID}","status":"processing","statusUrl":"x","costCents":7}}"#);
    let bare = format!(r#"{{"id":"{ID}"}}"#);
    let free = documented.replace("7}", "0}");
    let documented_cost = Some(Cents(7));
    for (status, body, cost) in [
        (200, &documented, documented_cost),
        (201, &documented, documented_cost),
        (202, &bare, None),
        (200, &free, None),
    ] {
        let SubmitOutcome::Accepted { prediction, cost: named, result, .. } = submit(&answer(status, body)) else {
            panic!("{status} {body} is not accepted")
        };
        assert_eq!((prediction.as_str(), named), (ID, cost));
        assert_eq!(result, None);
    }
}

#[test]
fn in_sync_mode_the_answer_may_be_the_result() {
    let body = format!(r#"{{"id":"{ID}","status":"completed","outputs":["https://a/1.png"]}}"#);
    let SubmitOutcome::Accepted { result, .. } = submit(&answer(200, &body)) else { panic!() };
    let completed = Finished::Completed { outputs: vec!["https://a/1.png".into()], surplus: 0, took: None };
    assert_eq!(result, Some(completed));
    let body = format!(r#"{{"id":"{ID}","status":"completed"}}"#);
    let SubmitOutcome::Accepted { result, .. } = submit(&answer(200, &body)) else { panic!() };
    assert_eq!(result, None, "a completed prediction without outputs is polled for them");
}

#[test]
fn prices_are_rounded_up_and_capped_and_nonsensical_ones_ignored() {
    assert_eq!(cents(&serde_json::json!(7.2)), Some(Cents(8)));
    assert_eq!(cents(&serde_json::json!(0.07 * 100.0)), Some(Cents(7)), "7.000000000000001");
    assert_eq!(cents(&serde_json::json!(1)), Some(Cents(1)));
    for dollars in [serde_json::json!(0.07), serde_json::json!("0.07"), serde_json::json!(0.0000001)] {
        assert_eq!(cents(&dollars), None, "a price in dollars, which would count as a cent");
    }
    assert_eq!(cents(&serde_json::json!(-1)), None);
    assert_eq!(["40", " 7.2 "].map(|text| cents(&serde_json::json!(text))), [Some(Cents(40)), Some(Cents(8))]);
    assert_eq!(["1e300", "100001"].map(|text| cents(&serde_json::json!(text))), [Some(Cents(100_000)); 2]);
    for nonsense in ["", "$7", "7 cents", "-7", "NaN", "inf", "0"] {
        assert_eq!(cents(&serde_json::json!(nonsense)), None, "{nonsense:?}");
    }
}

#[test]
fn an_id_that_is_a_number_is_not_lost() {
    let accepted = submit(&answer(200, r#"{"id":123,"status":"processing"}"#));
    let SubmitOutcome::Accepted { prediction, .. } = accepted else { panic!("{accepted:?}") };
    assert_eq!(prediction.as_str(), "123");
    assert!(matches!(
        of_poll(&answer(200, r#"{"id":124,"status":"processing"}"#), &prediction, Timestamp::UNIX_EPOCH),
        PollOutcome::Again { .. }
    ));
}

#[test]
fn a_submit_with_an_unknown_outcome_is_uncertain() {
    for exchange in [
        answer(200, r#"{"status":"processing"}"#),
        answer(200, r#"{"id":null}"#),
        answer(200, r#"{"id":"a/../b"}"#),
        answer(200, "<html>welcome</html>"),
        answer(200, r#"{"id":"550e84"#),
        answer(200, ""),
        answer(303, ""),
        answer(408, ""),
        answer(500, r#"{"error":"oops"}"#),
        answer(502, "<html>bad gateway</html>"),
        answer(503, ""),
        answer(504, ""),
        Exchange::Fault(Fault::Unknown("timed out after 60s".into())),
    ] {
        assert!(matches!(submit(&exchange), SubmitOutcome::Uncertain { .. }), "{exchange:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_after_its_id_is_accepted() {
    let begun = format!(r#"{{"id":"{ID}","costCents":7,"sta"#);
    let broken = |begun: &str| {
        let (cause, begun) = ("the answer broke off".to_owned(), begun.as_bytes().to_vec());
        submit(&Exchange::Fault(Fault::BrokenOff { cause, begun }))
    };
    for outcome in [broken(&begun), submit(&answer(200, &begun))] {
        let SubmitOutcome::Accepted { prediction, cost, result: None, .. } = &outcome else { panic!("{outcome:?}") };
        assert_eq!((prediction.as_str(), *cost), (ID, Some(Cents(7))));
    }
    for (begun, message) in [(r#"{"id":"550e"#, "the answer broke off"), ("", "the answer broke off")] {
        let uncertain = SubmitOutcome::Uncertain { message: message.to_owned(), doubt: Doubt::Unanswered };
        assert_eq!(broken(begun), uncertain);
    }
    assert!(matches!(submit(&answer(500, &begun)), SubmitOutcome::Uncertain { .. }), "the status says otherwise");
}

#[test]
fn a_submit_that_was_certainly_not_accepted_may_be_repeated() {
    let refused = Exchange::Fault(Fault::NotSent("connection refused".into()));
    assert!(matches!(submit(&refused), SubmitOutcome::NotAccepted { reason: Obstacle::Unreachable, .. }));
    let early = submit(&answer(425, ""));
    assert!(matches!(early, SubmitOutcome::NotAccepted { reason: Obstacle::Unreachable, .. }), "{early:?}");
    let limited = Exchange::Answer(Answer { status: 429, retry_after: Some("5".into()), ..Answer::default() });
    let wait = Some(Duration::from_secs(5));
    assert_eq!(
        submit(&limited),
        SubmitOutcome::NotAccepted { cause: "HTTP 429".into(), reason: Obstacle::RateLimited(wait) }
    );
}

#[test]
fn refusals_fail_the_job_with_the_providers_message() {
    for status in [400, 409, 413, 415, 422, 451] {
        let outcome = submit(&answer(status, r#"{"error":"size must be small"}"#));
        let message = format!("HTTP {status}: size must be small");
        assert_eq!(outcome, SubmitOutcome::Failed { class: ErrorClass::Rejected, message });
    }
    let moderated = submit(&answer(400, r#"{"error":"flagged by content moderation"}"#));
    assert!(matches!(moderated, SubmitOutcome::Failed { class: ErrorClass::Moderated, .. }));
    let unreadable = Exchange::Fault(Fault::Unreadable("a.png: gone".into()));
    assert!(matches!(submit(&unreadable), SubmitOutcome::Failed { class: ErrorClass::Input, .. }));
}

#[test]
fn a_403_about_moderation_may_be_about_the_account_and_any_other_about_the_key() {
    let moderated = submit(&answer(403, r#"{"message":"Your request was flagged by content moderation"}"#));
    assert!(matches!(moderated, SubmitOutcome::Doubtful { suspect: Suspect::Account, .. }), "{moderated:?}");
    assert!(matches!(submit(&answer(403, "no")), SubmitOutcome::Doubtful { suspect: Suspect::Permission, .. }));
}

#[test]
fn a_long_message_is_cut_between_or_in_its_words() {
    let kept = "word ".repeat(40);
    assert_eq!(cut(&kept), kept.trim_end());
    assert_eq!(cut(&format!("{kept}more")), format!("{}…", kept.trim_end()));
    let sentence = format!("{}keep the background", "word ".repeat(37));
    assert_eq!(cut(&sentence), format!("{}keep the backg…", "word ".repeat(37)));
    assert_eq!(cut(&"é".repeat(5000)), format!("{}…", "é".repeat(199)));
}

#[test]
fn a_404_may_be_about_the_endpoint() {
    for status in [404, 405, 410] {
        let outcome = submit(&answer(status, "no"));
        assert!(matches!(outcome, SubmitOutcome::Doubtful { suspect: Suspect::Endpoint, .. }), "{outcome:?}");
    }
}

#[test]
fn answers_without_a_usable_id_are_recognized_whatever_they_look_like() {
    for body in ["", " ", r#"{"id":null}"#, r#"{"id":"a/../b"}"#, r#"{"id":"a b"}"#, "\u{feff}{}"] {
        let outcome = submit(&answer(200, body));
        assert!(matches!(outcome, SubmitOutcome::Uncertain { doubt: Doubt::NoId { .. }, .. }), "{body:?}: {outcome:?}");
    }
    for body in ["<html>welcome</html>", r#"{"id":"550e84"#] {
        let outcome = submit(&answer(200, body));
        assert!(matches!(outcome, SubmitOutcome::Uncertain { doubt: Doubt::Unanswered, .. }), "{body:?}: {outcome:?}");
    }
    let marked = submit(&answer(200, &format!("\u{feff}{{\"id\":\"{ID}\",\"status\":\"processing\"}}")));
    assert!(matches!(marked, SubmitOutcome::Accepted { .. }), "{marked:?}");
}

#[test]
fn outputs_are_read_as_texts_and_as_objects_that_name_a_url() {
    let ended = |outputs: &str| match poll(&answer(200, &format!(r#"{{"status":"completed","outputs":{outputs}}}"#))) {
        PollOutcome::Finished(finished) => finished,
        other => panic!("{other:?}"),
    };
    for outputs in [
        r#"["https://a/x.png"]"#,
        r#""https://a/x.png""#,
        r#"[{"url":"https://a/x.png"}]"#,
        r#"{"image":{"url":"https://a/x.png"}}"#,
        r#"[{"url":null,"image":"","b64_json":"https://a/x.png"}]"#,
    ] {
        let finished = ended(outputs);
        let Finished::Completed { outputs: found, .. } = &finished else { panic!("{outputs}: {finished:?}") };
        assert_eq!(found, &["https://a/x.png".into()], "{outputs}");
    }
    for outputs in ["null", "[]", r#"[""]"#, r#"[{"url":null}]"#] {
        assert_eq!(ended(outputs), Finished::NoOutputs, "{outputs}");
    }
    for unknown in [r#"[{"picture":{"id":7}}]"#, r#"[{"long_text":0}]"#] {
        assert_eq!(ended(unknown), Finished::UnknownOutputs { excerpt: unknown.to_owned() }, "there is no such text");
    }
}

#[test]
fn an_accepted_submit_without_an_id_keeps_the_body_of_its_answer() {
    let body = r#"{"code":200,"message":"success","data":{"id":"prediction-7"}}"#;
    let told = |body| match submit(&answer(200, body)) {
        SubmitOutcome::Uncertain { message, doubt: Doubt::NoId { lack } } => (message, lack),
        other => panic!("{other:?}"),
    };
    let (message, lack) = told(body);
    assert!(message.contains("prediction-7"), "{message}");
    assert_eq!(lack, "HTTP 200 without an id", "the reason of a stop is short");
    let (message, lack) = told(r#"{"error":"internal","code":500}"#);
    assert_eq!(lack, "HTTP 200 with an error and without an id");
    assert_eq!(message, r#"HTTP 200 with an error and without an id: {"error":"internal","code":500}"#);
    let without_body = "HTTP 200 without a body".to_owned();
    assert_eq!(told(""), (without_body.clone(), without_body));
}

#[test]
fn errors_that_would_affect_every_job_stop_the_run() {
    let refused = submit(&answer(401, ""));
    assert!(matches!(refused, SubmitOutcome::Doubtful { suspect: Suspect::Key, .. }), "several stop it: {refused:?}");
    for status in [401, 403] {
        let poll = poll(&answer(status, ""));
        assert!(
            matches!(poll, PollOutcome::Again { reason: Unanswered::Refused, .. }),
            "one poll is not every job: {poll:?}"
        );
    }
    assert!(matches!(submit(&answer(402, "")), SubmitOutcome::Stop(Stop::Balance(_))));
    for status in [301, 302, 307, 308] {
        let outcome = submit(&answer(status, ""));
        let stops = matches!(&outcome, SubmitOutcome::Uncertain { doubt: Doubt::Redirected, .. });
        assert!(stops, "a redirect may come after the submit was taken: {outcome:?}");
    }
}

#[test]
fn the_three_documented_statuses_are_understood() {
    assert_eq!(poll(&answer(200, r#"{"status":"processing","outputs":null}"#)), in_progress());
    assert_eq!(
        poll(&answer(
            200,
            r#"{"status":"completed","outputs":["https://a/0.png","https://a/1.png"],
                "createdAt":"2025-01-15T12:00:00.000Z","completedAt":"2025-01-15T12:00:30.000Z"}"#
        )),
        PollOutcome::Finished(Finished::Completed {
            outputs: vec!["https://a/0.png".into(), "https://a/1.png".into()],
            surplus: 0,
            took: Some(Duration::from_secs(30)),
        })
    );
    let flagged = "Your request was flagged by content moderation. Please modify your prompt.";
    assert_eq!(
        poll(&answer(200, &format!(r#"{{"status":"failed","outputs":null,"error":"{flagged}"}}"#))),
        PollOutcome::Finished(Finished::Failed { class: ErrorClass::Moderated, message: flagged.into() })
    );
}

#[test]
fn only_known_final_statuses_end_a_job() {
    for word in ["canceled", "cancelled", "timeout", "deleted", "aborted"] {
        let outcome = poll(&answer(200, &format!(r#"{{"status":"{word}"}}"#)));
        assert!(
            matches!(outcome, PollOutcome::Finished(Finished::Failed { class: ErrorClass::Provider, .. })),
            "{word}"
        );
    }
    let unknown = poll(&answer(200, r#"{"status":"warming"}"#));
    assert_eq!(unknown, PollOutcome::InProgress { unknown_status: Some("warming".into()) });
}

#[test]
fn statuses_are_case_insensitive() {
    let progress = |body: &str| poll(&answer(200, body));
    assert_eq!(progress(r#"{"status":"Processing"}"#), in_progress());
    let completed = progress(r#"{"status":"COMPLETED","outputs":["https://a/0.png"]}"#);
    assert!(matches!(completed, PollOutcome::Finished(Finished::Completed { .. })), "{completed:?}");
    for word in ["FAILED", "Cancelled"] {
        let failed = progress(&format!(r#"{{"status":"{word}"}}"#));
        let message = format!("the provider says `{word}` without a reason");
        assert_eq!(failed, PollOutcome::Finished(Finished::Failed { class: ErrorClass::Provider, message }));
    }
    let unknown = progress(r#"{"status":"Warming"}"#);
    assert_eq!(unknown, PollOutcome::InProgress { unknown_status: Some("Warming".into()) }, "as the provider wrote it");
}

#[test]
fn completed_without_outputs_is_an_error_of_the_provider() {
    for outputs in ["null", "[]", "[\"\"]", "{}"] {
        let outcome = poll(&answer(200, &format!(r#"{{"status":"completed","outputs":{outputs}}}"#)));
        assert_eq!(outcome, PollOutcome::Finished(Finished::NoOutputs), "{outputs}");
    }
}

#[test]
fn failed_polls_never_fail_a_job() {
    for exchange in [
        answer(500, ""),
        answer(503, "<html>"),
        answer(302, ""),
        answer(402, ""),
        answer(200, "<html>"),
        answer(200, r#"{"status":"comp"#),
        answer(200, "[]"),
        answer(200, "{}"),
        Exchange::Fault(Fault::Unknown("reset".into())),
        Exchange::Fault(Fault::NotSent("dns".into())),
    ] {
        let outcome = poll(&exchange);
        assert!(matches!(outcome, PollOutcome::Again { reason: Unanswered::Failed, .. }), "{exchange:?}: {outcome:?}");
    }
    assert!(matches!(poll(&answer(429, "")), PollOutcome::Again { reason: Unanswered::RateLimited, .. }));
    for status in [400, 422] {
        assert!(matches!(poll(&answer(status, "")), PollOutcome::Again { reason: Unanswered::Denied, .. }));
    }
    assert_eq!(poll(&answer(404, "")), PollOutcome::NotFound { cause: "HTTP 404".to_owned() });
}

#[test]
fn an_answer_about_another_prediction_is_ignored() {
    let completed =
        |id: &str| answer(200, &format!(r#"{{"id":"{id}","status":"completed","outputs":["https://a/0.png"]}}"#));
    assert!(matches!(poll(&completed("1b4e28ba-2fa1-11d2-883f-0016d3cca427")), PollOutcome::Again { .. }));
    for own in [ID, ID.to_uppercase().as_str()] {
        assert!(matches!(poll(&completed(own)), PollOutcome::Finished(Finished::Completed { .. })), "{own}");
    }
}

#[test]
fn an_excerpt_is_one_short_line() {
    let page = format!("<html>\n\n<p>{}</p>\u{1b}[31m", "bad gateway ".repeat(100));
    let Exchange::Answer(answer) = answer(502, &page) else { panic!() };
    let text = excerpt(&answer);
    assert!(text.chars().count() < 230 && !text.contains(['\n', '\u{1b}']), "{text}");
    let body = "\u{feff}{\"error\": \"slow down\"}".as_bytes().to_vec();
    assert_eq!(excerpt(&Answer { status: 429, body, ..Answer::default() }), "HTTP 429: slow down");
}

proptest::proptest! {
    #[test]
    fn arbitrary_bodies_never_cause_a_panic_or_a_second_payment(status in 100_u16..600, body in "\\PC{0,200}") {
        let exchange = answer(status, &body);
        let _ = poll(&exchange);
        match submit(&exchange) {
            SubmitOutcome::NotAccepted { .. } => proptest::prop_assert!(matches!(status, 425 | 429), "{}", status),
            SubmitOutcome::Doubtful { .. } => {
                proptest::prop_assert!(matches!(status, 401 | 403 | 404 | 405 | 410), "{}", status);
            }
            _ => {}
        }
    }
}

#[test]
fn only_the_first_outputs_are_taken_and_the_rest_are_counted() {
    let outputs: Vec<String> = (0..5_000).map(|number| format!("https://a/{number}.png")).collect();
    let body = serde_json::json!({"status": "completed", "outputs": outputs}).to_string();
    let PollOutcome::Finished(Finished::Completed { outputs, surplus, .. }) = poll(&answer(200, &body)) else {
        panic!("it is completed")
    };
    assert_eq!((outputs.len(), surplus), (16, 4_984));
    assert_eq!(outputs[15], "https://a/15.png".into());
}

#[test]
fn messages_of_a_provider_cannot_change_the_direction_of_the_text_around_them() {
    let body = "{\"error\": \"\u{202E}refused\u{2066} a\u{200F}b\"}".as_bytes().to_vec();
    assert_eq!(excerpt(&Answer { status: 400, body, ..Answer::default() }), "HTTP 400: refused a b");
}

#[test]
fn a_compressed_body_is_described_and_a_text_in_another_encoding_is_shown() {
    let of = |body: &[u8]| excerpt(&Answer { status: 500, body: body.to_vec(), ..Answer::default() });
    assert_eq!(of(&[31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 200, 201, 202]), "HTTP 500: 13 bytes that are not text");
    let printed = of(b"Acc\xe8s refus\xe9 par la passerelle de notre r\xe9seau, merci de patienter");
    assert!(printed.starts_with("HTTP 500: Acc\u{FFFD}s refus"), "{printed}");
}
