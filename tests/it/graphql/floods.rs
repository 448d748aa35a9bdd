//! Alarms that come faster than people can follow, as clients see them, and the figures of an area.

use serde_json::{Value as Json, json};

use super::alarms::Kitchen;
use super::patiently;

const FIGURES: &str =
    "{ alarmFigures(under: \"kitchen\", range: {last: \"1h\"}) { perTenMinutes peakPerTenMinutes floodShare chattering standing
    meanTimeToAcknowledge completeSince frequent { name count rule { id } }
    floods { twinId twin { name } since firstOutId firstOut { id } raised notices } } alarms { nodes { id flood firstOut } } }";

impl Kitchen {
    /// What is asked for, once it is so: figures follow what was committed.
    async fn once(&self, query: &str, holds: impl Fn(&Json) -> bool) -> Json {
        patiently(async {
            loop {
                let told = self.0.data(query).await;
                if holds(&told) {
                    return told;
                }
            }
        })
        .await
    }

    /// One pair of alarms that stays, and five pairs that come and go: twelve, of which the eleventh begins a flood.
    async fn flood(&self) {
        self.heat_of("other", 250.0).await;
        for _ in 0..5 {
            self.heat_of("oven", 250.0).await;
            self.heat_of("oven", 20.0).await;
        }
    }
}

#[tokio::test]
async fn a_flood_has_a_first_and_is_kept() {
    let mut kitchen = Kitchen::start();
    kitchen.flood().await;
    let is_marked = |told: &Json| told["alarms"]["nodes"].as_array().unwrap().iter().filter(|alarm| alarm["flood"] == true).count() == 3;
    let told = kitchen.once(FIGURES, is_marked).await;
    let marks = json!([
        {"id": "alarm/oven/hot/5", "flood": true, "firstOut": false},
        {"id": "alarm/other/hot/1", "flood": true, "firstOut": true},
        {"id": "alarm/other/warm/1", "flood": true, "firstOut": false},
    ]);
    assert_eq!(told["alarms"]["nodes"], marks);
    let figures = &told["alarmFigures"];
    let flood = &figures["floods"][0];
    assert_eq!((&flood["twinId"], &flood["twin"]["name"], &flood["raised"]), (&json!("kitchen"), &json!("kitchen"), &json!(12)));
    assert_eq!((&flood["firstOutId"], &flood["firstOut"]["id"]), (&json!("alarm/other/hot/1"), &json!("alarm/other/hot/1")));

    // The flood and its marks are in the journal; of the figures, only what is open is known after a start.
    kitchen.0.again();
    let told = kitchen.once(FIGURES, |told| told["alarmFigures"]["peakPerTenMinutes"] == 3).await;
    assert_eq!(told["alarms"]["nodes"], marks);
    assert_eq!(&told["alarmFigures"]["floods"][0], flood);
    assert!(told["alarmFigures"]["completeSince"].as_str() > figures["completeSince"].as_str(), "it says so");
    // It goes on where it was.
    kitchen.heat_of("oven", 250.0).await;
    kitchen.once(FIGURES, |told| told["alarmFigures"]["floods"][0]["raised"] == 14).await;
}

#[tokio::test]
async fn figures_say_how_an_area_does() {
    let kitchen = Kitchen::start();
    kitchen.flood().await;
    let told = kitchen.once(FIGURES, |told| told["alarmFigures"]["peakPerTenMinutes"] == 12).await;
    let figures = &told["alarmFigures"];
    assert_eq!((&figures["perTenMinutes"], &figures["standing"]), (&json!(2.0), &json!(0)));
    assert_eq!(figures["chattering"], 2, "hot and warm of one oven");
    let frequent = json!([
        {"name": "Oven.hot", "count": 6, "rule": {"id": "rule/Oven.hot"}},
        {"name": "Oven.warm", "count": 6, "rule": {"id": "rule/Oven.warm"}},
    ]);
    assert_eq!((&figures["frequent"], &figures["meanTimeToAcknowledge"]), (&frequent, &Json::Null));
    assert_eq!(kitchen.act("acknowledgeAlarms(ids: [\"alarm/other/hot/1\"])").await["outcome"], "DONE");
    kitchen.once(FIGURES, |told| told["alarmFigures"]["meanTimeToAcknowledge"].is_string()).await;

    let of = |under: &str, range: &str| format!("{{ alarmFigures({under}range: {range}) {{ peakPerTenMinutes floods {{ twinId }} }} }}");
    let hour = "{last: \"1h\"}";
    for (under, range, peak, floods) in [
        ("under: \"other\", ", hour, 2, json!([])),
        ("under: \"oven\", ", hour, 10, json!([])),
        ("", hour, 12, json!([{"twinId": "kitchen"}])),
        // They are on now, whatever is asked of the past.
        ("", "{between: {from: \"2020-01-01T00:00:00Z\", to: \"2020-01-02T00:00:00Z\"}}", 0, json!([{"twinId": "kitchen"}])),
    ] {
        let told = kitchen.0.data(&of(under, range)).await;
        assert_eq!(told["alarmFigures"], json!({"peakPerTenMinutes": peak, "floods": floods}), "{under}{range}");
    }
    assert_eq!(kitchen.0.data(&of("under: \"nobody\", ", hour)).await["alarmFigures"], Json::Null);
    let backwards = of("", "{between: {from: \"2020-01-02T00:00:00Z\", to: \"2020-01-01T00:00:00Z\"}}");
    let refused = kitchen.0.ask(json!({"query": backwards})).await;
    assert_eq!(refused["errors"][0]["message"], "`range` ends before it begins: `from` has to be before `to`");

    let page = kitchen.0.client.get(kitchen.0.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for series in [
        "pollux_alarm_area_flooded{area=\"kitchen\"} 1",
        "pollux_alarm_area_per_ten_minutes_max{area=\"kitchen\"} 12",
        "pollux_alarm_area_chattering{area=\"kitchen\"} 2",
        "pollux_alarms_frequent{rule=\"Oven.hot\"} 6",
    ] {
        assert!(page.lines().any(|line| line == series), "{series} in {page}");
    }
}
